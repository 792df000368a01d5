// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

// The JSON of the API's answers. Members that are not named here are ignored; members that are named and required
// must be there, well-formed.

/// The body of every failure.
struct APIErrorBody: Decodable {
  var code: String
  var message: String
  var requestID: String?

  enum CodingKeys: String, CodingKey {
    case code = "Code"
    case message = "Message"
    case requestID = "RequestId"
  }
}

/// The body of an action that answers with its request identifier only.
struct EmptyBody: Decodable {
  var requestID: String

  enum CodingKeys: String, CodingKey {
    case requestID = "RequestId"
  }
}

/// An interface, as Create and Describe show it.
struct InterfaceBody: Decodable {
  struct Address: Decodable {
    var address: IPv4Address
    var isPrimary: Bool?

    enum CodingKeys: String, CodingKey {
      case address = "PrivateIpAddress"
      case isPrimary = "Primary"
    }
  }

  struct AddressSet: Decodable {
    var addresses: [Address]

    enum CodingKeys: String, CodingKey {
      case addresses = "PrivateIpSet"
    }
  }

  struct Attachment: Decodable {
    var instance: String?
    var deviceIndex: Int?

    enum CodingKeys: String, CodingKey {
      case instance = "InstanceId"
      case deviceIndex = "DeviceIndex"
    }
  }

  struct SecurityGroups: Decodable {
    var ids: [SecurityGroupIdentifier]

    enum CodingKeys: String, CodingKey {
      case ids = "SecurityGroupId"
    }
  }

  struct Tag: Decodable {
    var key: String
    var value: String

    // Create answers with `Key`/`Value`, Describe with `TagKey`/`TagValue`.
    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      key = try container.decodeIfPresent(String.self, forKey: .tagKey) ?? container.decode(String.self, forKey: .key)
      value =
        try container.decodeIfPresent(String.self, forKey: .tagValue)
        ?? container.decodeIfPresent(String.self, forKey: .value) ?? ""
    }

    enum CodingKeys: String, CodingKey {
      case key = "Key"
      case value = "Value"
      case tagKey = "TagKey"
      case tagValue = "TagValue"
    }
  }

  struct Tags: Decodable {
    var tags: [Tag]

    enum CodingKeys: String, CodingKey {
      case tags = "Tag"
    }
  }

  var networkInterface: NetworkInterface

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let primary = try container.decode(IPv4Address.self, forKey: .primaryAddress)
    let addresses = try container.decodeIfPresent(AddressSet.self, forKey: .addresses)?.addresses ?? []
    // Trunk members carry an empty Attachment, free interfaces none or one with an empty InstanceId.
    let attachment = try container.decodeIfPresent(Attachment.self, forKey: .attachment)
    let instance =
      try attachment?.instance ?? container.decodeIfPresent(String.self, forKey: .instance)
    let tags = try container.decodeIfPresent(Tags.self, forKey: .tags)?.tags ?? []
    networkInterface = NetworkInterface(
      id: try container.decode(ENIIdentifier.self, forKey: .id),
      mac: try container.decode(MACAddress.self, forKey: .mac),
      primaryAddress: primary,
      privateAddresses: addresses.isEmpty
        ? [.init(address: primary, isPrimary: true)]
        : addresses.map { .init(address: $0.address, isPrimary: $0.isPrimary ?? ($0.address == primary)) },
      vSwitch: try container.decode(VSwitchIdentifier.self, forKey: .vSwitch),
      vpc: try container.decode(VPCIdentifier.self, forKey: .vpc),
      zone: try container.decode(ZoneIdentifier.self, forKey: .zone),
      status: .init(rawValue: try container.decode(String.self, forKey: .status)),
      kind: .init(rawValue: try container.decode(String.self, forKey: .kind)),
      attachment: instance.flatMap { InstanceIdentifier($0) }
        .map { .init(instance: $0, deviceIndex: attachment?.deviceIndex) },
      securityGroups: try container.decodeIfPresent(SecurityGroups.self, forKey: .securityGroups)?.ids ?? [],
      tags: Dictionary(tags.map { ($0.key, $0.value) }) { first, _ in first },
      description: try container.decodeIfPresent(String.self, forKey: .description) ?? "")
  }

  enum CodingKeys: String, CodingKey {
    case id = "NetworkInterfaceId"
    case mac = "MacAddress"
    case primaryAddress = "PrivateIpAddress"
    case addresses = "PrivateIpSets"
    case vSwitch = "VSwitchId"
    case vpc = "VpcId"
    case zone = "ZoneId"
    case status = "Status"
    case kind = "Type"
    case attachment = "Attachment"
    case instance = "InstanceId"
    case securityGroups = "SecurityGroupIds"
    case tags = "Tags"
    case description = "Description"
  }
}

/// A page of interfaces.
struct InterfaceListBody: Decodable {
  struct List: Decodable {
    var interfaces: [InterfaceBody]

    enum CodingKeys: String, CodingKey {
      case interfaces = "NetworkInterfaceSet"
    }
  }

  var list: List
  var nextToken: String?

  var interfaces: [InterfaceBody] { list.interfaces }

  enum CodingKeys: String, CodingKey {
    case list = "NetworkInterfaceSets"
    case nextToken = "NextToken"
  }
}

/// The addresses that were assigned.
struct AssignedAddressesBody: Decodable {
  struct Assigned: Decodable {
    struct Addresses: Decodable {
      var addresses: [IPv4Address]

      enum CodingKeys: String, CodingKey {
        case addresses = "PrivateIpAddress"
      }
    }

    var set: Addresses

    enum CodingKeys: String, CodingKey {
      case set = "PrivateIpSet"
    }
  }

  var assigned: Assigned

  var addresses: [IPv4Address] { assigned.set.addresses }

  enum CodingKeys: String, CodingKey {
    case assigned = "AssignedPrivateIpAddressesSet"
  }
}

/// A page of vSwitches.
struct VSwitchListBody: Decodable {
  struct Item: Decodable {
    var vSwitch: VSwitch

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      vSwitch = VSwitch(
        id: try container.decode(VSwitchIdentifier.self, forKey: .id),
        vpc: try container.decode(VPCIdentifier.self, forKey: .vpc),
        zone: try container.decode(ZoneIdentifier.self, forKey: .zone),
        cidr: try container.decode(IPv4CIDR.self, forKey: .cidr),
        availableAddressCount: try container.decode(Int.self, forKey: .available),
        status: try container.decode(String.self, forKey: .status))
    }

    enum CodingKeys: String, CodingKey {
      case id = "VSwitchId"
      case vpc = "VpcId"
      case zone = "ZoneId"
      case cidr = "CidrBlock"
      case available = "AvailableIpAddressCount"
      case status = "Status"
    }
  }

  struct List: Decodable {
    var items: [Item]

    enum CodingKeys: String, CodingKey {
      case items = "VSwitch"
    }
  }

  var list: List

  var vSwitches: [Item] { list.items }

  enum CodingKeys: String, CodingKey {
    case list = "VSwitches"
  }
}
