// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension Rule {
  static let headerSize = MemoryLayout<fib_rule_hdr>.size

  /// Reads an `RTM_NEWRULE` message; nil when its family is neither IPv4 nor IPv6.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard message.payload.count >= Rule.headerSize else {
      throw .truncated(offset: message.payload.lowerBound, needed: Rule.headerSize, available: message.payload.count)
    }
    let header = try datagram.load(fib_rule_hdr.self, at: message.payload.lowerBound)
    guard let family = AddressFamily(rawValue: header.family) else { return nil }
    // The kernel leaves a priority of 0 out.
    self.init(
      family: family, priority: 0, table: RouteTableID(UInt32(header.table)), protocol: .unspecified,
      action: RuleAction(rawValue: header.action), isInverted: header.flags & UInt32(FIB_RULE_INVERT) != 0)
    typeOfService = header.tos
    kernelFlags = header.flags
    var cursor = message.attributes(after: Rule.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(FRA_PRIORITY): priority = try datagram.value(attribute)
      case Int(FRA_SRC): source = try Rule.block(attribute, family, header.src_len, in: datagram)
      case Int(FRA_DST): destination = try Rule.block(attribute, family, header.dst_len, in: datagram)
      case Int(FRA_IIFNAME):
        inputInterface = InterfaceName(try datagram.string(attribute))
        if inputInterface == nil { try otherAttributes.append(attribute, from: datagram) }
      case Int(FRA_OIFNAME):
        outputInterface = InterfaceName(try datagram.string(attribute))
        if outputInterface == nil { try otherAttributes.append(attribute, from: datagram) }
      case Int(FRA_FWMARK): mark = try datagram.value(attribute)
      case Int(FRA_FWMASK): markMask = try datagram.value(attribute)
      case Int(FRA_TABLE): table = RouteTableID(try datagram.value(attribute))
      case Int(FRA_PROTOCOL): `protocol` = RouteProtocol(try datagram.value(attribute))
      case Int(FRA_SUPPRESS_PREFIXLEN):
        let length = try datagram.value(attribute, as: UInt32.self)
        suppressedPrefixLength = length == .max ? nil : length
      default: try readMore(attribute, in: datagram)
      }
    }
    // A mark of 0 is left out, its mask is not.
    if markMask != nil, mark == nil { mark = 0 }
    // With a mark the kernel always sends a mask, of all bits if none was asked for.
    if markMask == .max { markMask = nil }
  }

  private static func block(
    _ attribute: Attribute, _ family: AddressFamily, _ length: UInt8, in datagram: RawSpan
  ) throws(WireError) -> IPCIDR {
    let address = try datagram.address(attribute, family: family)
    guard let block = IPCIDR(address: address, prefixLength: Int(length)) else {
      throw .invalidValue(type: attribute.type, reason: "a prefix length of \(length)")
    }
    return block
  }

  /// Writes the rule as a request says it.
  func encode(into writer: MessageWriter) {
    let table = asksTable ? table : RouteTableID(0)
    putHeader(into: writer, UInt8(exactly: table.rawValue) ?? 0, isInverted ? UInt32(FIB_RULE_INVERT) : 0)
    writer.put(Int(FRA_PRIORITY), priority)
    if table.rawValue >= 256 { writer.put(Int(FRA_TABLE), table.rawValue) }
    if `protocol` != .unspecified { writer.put(Int(FRA_PROTOCOL), `protocol`.rawValue) }
    putSelector(into: writer)
    if let mark {
      writer.put(Int(FRA_FWMARK), mark)
      writer.put(Int(FRA_FWMASK), markMask ?? .max)
    }
    if let suppressedPrefixLength { writer.put(Int(FRA_SUPPRESS_PREFIXLEN), suppressedPrefixLength) }
    putMore(into: writer)
  }

  /// Writes the rule as the kernel does, everything it was read from included.
  func encodeReply(into writer: MessageWriter) {
    putHeader(into: writer, UInt8(exactly: table.rawValue) ?? UInt8(RT_TABLE_COMPAT.rawValue), kernelFlags)
    if priority != 0 { writer.put(Int(FRA_PRIORITY), priority) }
    writer.put(Int(FRA_TABLE), table.rawValue)
    writer.put(Int(FRA_PROTOCOL), `protocol`.rawValue)
    putSelector(into: writer)
    if let mark {
      if mark != 0 { writer.put(Int(FRA_FWMARK), mark) }
      writer.put(Int(FRA_FWMASK), markMask ?? .max)
    }
    writer.put(Int(FRA_SUPPRESS_PREFIXLEN), suppressedPrefixLength ?? .max)
    putMore(into: writer)
    writer.put(otherAttributes)
  }

  private func putHeader(into writer: MessageWriter, _ table: UInt8, _ flags: UInt32) {
    var header = fib_rule_hdr()
    header.family = family.rawValue
    header.src_len = UInt8(clamping: source?.prefixLength ?? 0)
    header.dst_len = UInt8(clamping: destination?.prefixLength ?? 0)
    header.tos = typeOfService
    header.table = table
    header.action = action.rawValue
    header.flags = flags
    writer.put(header: header)
  }

  private func putSelector(into writer: MessageWriter) {
    if let source { writer.put(Int(FRA_SRC), source.address) }
    if let destination { writer.put(Int(FRA_DST), destination.address) }
    if let inputInterface { writer.put(Int(FRA_IIFNAME), string: inputInterface.rawValue) }
    if let outputInterface { writer.put(Int(FRA_OIFNAME), string: outputInterface.rawValue) }
  }
}
