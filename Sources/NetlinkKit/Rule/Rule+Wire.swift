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
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
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

  func encode(into writer: MessageWriter) {
    var header = fib_rule_hdr()
    header.family = family.rawValue
    header.src_len = UInt8(clamping: source?.prefixLength ?? 0)
    header.dst_len = UInt8(clamping: destination?.prefixLength ?? 0)
    header.table = table.rawValue < 256 ? UInt8(table.rawValue) : UInt8(RT_TABLE_COMPAT.rawValue)
    header.action = action.rawValue
    header.flags = isInverted ? UInt32(FIB_RULE_INVERT) : 0
    writer.put(header: header)
    writer.put(Int(FRA_PRIORITY), priority)
    writer.put(Int(FRA_TABLE), table.rawValue)
    if `protocol` != .unspecified { writer.put(Int(FRA_PROTOCOL), `protocol`.rawValue) }
    if let source { writer.put(Int(FRA_SRC), source.address) }
    if let destination { writer.put(Int(FRA_DST), destination.address) }
    if let inputInterface { writer.put(Int(FRA_IIFNAME), string: inputInterface.rawValue) }
    if let outputInterface { writer.put(Int(FRA_OIFNAME), string: outputInterface.rawValue) }
    if let mark {
      writer.put(Int(FRA_FWMARK), mark)
      writer.put(Int(FRA_FWMASK), markMask ?? .max)
    }
    if let suppressedPrefixLength { writer.put(Int(FRA_SUPPRESS_PREFIXLEN), suppressedPrefixLength) }
  }
}

/// `RTM_NEWRULE` and `RTM_DELRULE`.
struct ChangeRule: NetlinkRequest {
  enum Change: Sendable { case add, remove }

  let change: Change
  let rule: Rule

  var type: Int { change == .remove ? Int(RTM_DELRULE) : Int(RTM_NEWRULE) }
  var name: String { change == .remove ? "RTM_DELRULE" : "RTM_NEWRULE" }
  var flags: Int { change == .remove ? 0 : Int(NLM_F_CREATE | NLM_F_EXCL) }
  var operation: String { "\(change) \(rule.family) rule with priority \(rule.priority) for table \(rule.table)" }

  func encode(into writer: MessageWriter) { rule.encode(into: writer) }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    change == .remove && ErrorNumber.meaning(failure.errno).code == .notFound
      ? (.notFound, "there is no such rule") : nil
  }
}

/// `RTM_GETRULE` as a dump of one family.
struct ListRules: NetlinkQuery {
  let family: AddressFamily

  var type: Int { Int(RTM_GETRULE) }
  var name: String { "RTM_GETRULE" }
  var operation: String { "list \(family) rules" }

  func encode(into writer: MessageWriter) {
    var header = fib_rule_hdr()
    header.family = family.rawValue
    writer.put(header: header)
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Rule? {
    guard Int(message.type) == Int(RTM_NEWRULE), let rule = try Rule(message, in: datagram), rule.family == family
    else { return nil }
    return rule
  }
}
