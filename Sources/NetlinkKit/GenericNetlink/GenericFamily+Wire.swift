// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension genlmsghdr {
  /// `struct genlmsghdr`.
  static let size = 4

  /// The header behind the message's.
  init(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard message.payload.count >= genlmsghdr.size else {
      throw .truncated(offset: message.payload.lowerBound, needed: genlmsghdr.size, available: message.payload.count)
    }
    self = try datagram.load(genlmsghdr.self, at: message.payload.lowerBound)
  }

  init(_ command: Int, version: UInt8 = 1) {
    self.init(cmd: UInt8(truncatingIfNeeded: command), version: version, reserved: 0)
  }
}

extension GenericFamily {
  /// Reads a `CTRL_CMD_NEWFAMILY` message; nil when it is another one.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard try Int(genlmsghdr(message, in: datagram).cmd) == Int(CTRL_CMD_NEWFAMILY) else { return nil }
    var name: String?
    var id: UInt16?
    version = 0
    headerSize = 0
    var cursor = message.attributes(after: genlmsghdr.size)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(CTRL_ATTR_FAMILY_NAME): name = try datagram.string(attribute)
      case Int(CTRL_ATTR_FAMILY_ID): id = try datagram.value(attribute)
      case Int(CTRL_ATTR_VERSION): version = try datagram.value(attribute)
      case Int(CTRL_ATTR_HDRSIZE): headerSize = try datagram.value(attribute)
      case Int(CTRL_ATTR_MAXATTR): maximumAttribute = try datagram.value(attribute)
      case Int(CTRL_ATTR_OPS): operations = try GenericFamily.operations(attribute, in: datagram)
      case Int(CTRL_ATTR_MCAST_GROUPS): groups = try GenericFamily.groups(attribute, in: datagram)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    guard let name, let id else {
      throw .invalidValue(type: UInt16(CTRL_ATTR_FAMILY_ID), reason: "a family without a name or a number")
    }
    self.name = name
    self.id = id
  }

  /// A list whose elements are numbered from 1.
  private static func operations(_ list: Attribute, in datagram: RawSpan) throws(WireError) -> [GenericOperation] {
    var operations: [GenericOperation] = []
    var cursor = AttributeCursor(list.payload)
    while let element = try cursor.next(in: datagram) {
      var operation = GenericOperation(id: 0, flags: [])
      var inside = AttributeCursor(element.payload)
      while let attribute = try inside.next(in: datagram) {
        switch attribute.kind {
        case Int(CTRL_ATTR_OP_ID): operation.id = try datagram.value(attribute)
        case Int(CTRL_ATTR_OP_FLAGS): operation.flags = .init(rawValue: try datagram.value(attribute))
        default: break
        }
      }
      operations.append(operation)
    }
    return operations
  }

  private static func groups(_ list: Attribute, in datagram: RawSpan) throws(WireError) -> [GenericGroup] {
    var groups: [GenericGroup] = []
    var cursor = AttributeCursor(list.payload)
    while let element = try cursor.next(in: datagram) {
      var group = GenericGroup(name: "", id: 0)
      var inside = AttributeCursor(element.payload)
      while let attribute = try inside.next(in: datagram) {
        switch attribute.kind {
        case Int(CTRL_ATTR_MCAST_GRP_NAME): group.name = try datagram.string(attribute)
        case Int(CTRL_ATTR_MCAST_GRP_ID): group.id = try datagram.value(attribute)
        default: break
        }
      }
      groups.append(group)
    }
    return groups
  }

  /// Writes the family as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    writer.put(header: genlmsghdr(Int(CTRL_CMD_NEWFAMILY), version: 2))
    writer.put(Int(CTRL_ATTR_FAMILY_NAME), string: name)
    writer.put(Int(CTRL_ATTR_FAMILY_ID), id)
    writer.put(Int(CTRL_ATTR_VERSION), version)
    writer.put(Int(CTRL_ATTR_HDRSIZE), headerSize)
    if let maximumAttribute { writer.put(Int(CTRL_ATTR_MAXATTR), maximumAttribute) }
    if !operations.isEmpty {
      writer.nested(Int(CTRL_ATTR_OPS)) { writer in
        for (place, operation) in operations.enumerated() {
          writer.nested(place + 1) { writer in
            writer.put(Int(CTRL_ATTR_OP_ID), operation.id)
            writer.put(Int(CTRL_ATTR_OP_FLAGS), operation.flags.rawValue)
          }
        }
      }
    }
    if !groups.isEmpty {
      writer.nested(Int(CTRL_ATTR_MCAST_GROUPS)) { writer in
        for (place, group) in groups.enumerated() {
          writer.nested(place + 1) { writer in
            writer.put(Int(CTRL_ATTR_MCAST_GRP_ID), group.id)
            writer.put(Int(CTRL_ATTR_MCAST_GRP_NAME), string: group.name)
          }
        }
      }
    }
    writer.put(otherAttributes)
  }
}

/// `CTRL_CMD_GETFAMILY`, for one family or as a dump.
struct FindFamilies: NetlinkQuery {
  let familyName: String?

  var type: Int { Int(GENL_ID_CTRL) }
  var name: String { "CTRL_CMD_GETFAMILY" }
  var operation: String {
    familyName.map { "find generic netlink family \"\($0)\"" } ?? "list generic netlink families"
  }

  func encode(into writer: MessageWriter) {
    writer.put(header: genlmsghdr(Int(CTRL_CMD_GETFAMILY)))
    if let familyName { writer.put(Int(CTRL_ATTR_FAMILY_NAME), string: familyName) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> GenericFamily? {
    guard Int(message.type) == Int(GENL_ID_CTRL) else { return nil }
    return try GenericFamily(message, in: datagram)
  }
}

/// `CTRL_CMD_GETPOLICY` as a dump: which attributes the requests of a family take.
struct ListPolicies: NetlinkQuery {
  let family: GenericFamily

  var type: Int { Int(GENL_ID_CTRL) }
  var name: String { "CTRL_CMD_GETPOLICY" }
  var operation: String { "list policies of generic netlink family \"\(family.name)\"" }

  func encode(into writer: MessageWriter) {
    writer.put(header: genlmsghdr(Int(CTRL_CMD_GETPOLICY)))
    writer.put(Int(CTRL_ATTR_FAMILY_ID), family.id)
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> RawAttributes? {
    guard Int(message.type) == Int(GENL_ID_CTRL),
      try Int(genlmsghdr(message, in: datagram).cmd) == Int(CTRL_CMD_GETPOLICY)
    else { return nil }
    var attributes = RawAttributes()
    var cursor = message.attributes(after: genlmsghdr.size)
    while let attribute = try cursor.next(in: datagram) { try attributes.append(attribute, from: datagram) }
    return attributes
  }
}
