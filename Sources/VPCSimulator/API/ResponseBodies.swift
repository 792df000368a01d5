// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import NetworkTypes

// The API's answers. Member names and nesting are the real ones.

extension JSONValue {
  /// One interface, as Create (`Tags.Tag[].Key`) and Describe (`TagKey`) show it.
  static func interface(_ record: VPCState.Record, isListed: Bool) -> [String: JSONValue] {
    let eni = record.interface
    let names = isListed ? ("TagKey", "TagValue") : ("Key", "Value")
    var body: [String: JSONValue] = [
      "NetworkInterfaceId": .init(eni.id),
      "NetworkInterfaceName": .string(record.name),
      "MacAddress": .init(eni.mac),
      "PrivateIpAddress": .init(eni.primaryAddress),
      "PrivateIpSets": [
        "PrivateIpSet": .array(
          eni.privateAddresses.map { ["PrivateIpAddress": .init($0.address), "Primary": .bool($0.isPrimary)] })
      ],
      "Ipv6Sets": ["Ipv6Set": []],
      "VSwitchId": .init(eni.vSwitch),
      "VpcId": .init(eni.vpc),
      "ZoneId": .init(eni.zone),
      "Status": .init(eni.status),
      "Type": .init(eni.kind),
      "NetworkInterfaceTrafficMode": "Standard",
      "SecurityGroupIds": ["SecurityGroupId": .array(eni.securityGroups.map { .init($0) })],
      "Tags": [
        "Tag": .array(
          eni.tags.sorted { $0.key < $1.key }
            .map { .object([names.0: .string($0.key), names.1: .string($0.value)]) })
      ],
      "Description": .string(eni.description),
      "ServiceManaged": false,
      "SourceDestCheck": .bool(record.isSourceDestinationChecked),
      "DeleteOnRelease": .bool(record.isDeletedOnRelease),
    ]
    if isListed {
      body["CreationTime"] = .init(record.creationTime)
      body["InstanceId"] = .string(eni.attachment?.instance.rawValue ?? "")
      if let attachment = eni.attachment {
        body["Attachment"] = [
          "InstanceId": .init(attachment.instance), "DeviceIndex": .number(attachment.deviceIndex ?? 0),
          "MemberNetworkInterfaceIds": ["MemberNetworkInterfaceId": []],
        ]
      }
    }
    return body
  }

  /// One vSwitch.
  static func vSwitch(_ vSwitch: VSwitch) -> JSONValue {
    [
      "VSwitchId": .init(vSwitch.id), "VSwitchName": .init(vSwitch.id), "VpcId": .init(vSwitch.vpc),
      "ZoneId": .init(vSwitch.zone), "CidrBlock": .init(vSwitch.cidr), "Ipv6CidrBlock": "",
      "AvailableIpAddressCount": .number(vSwitch.availableAddressCount), "Status": .string(vSwitch.status),
    ]
  }
}
