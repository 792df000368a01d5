// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `FRA_DSCP`: the code point with all its six bits, from Linux 6.13 on.
private let codePointAttribute = 25

extension Rule {
  /// Reads what few rules have.
  mutating func readMore(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    switch attribute.kind {
    case Int(FRA_SUPPRESS_IFGROUP):
      let group = try datagram.value(attribute, as: UInt32.self)
      suppressedGroup = group == .max ? nil : LinkGroup(group)
    case Int(FRA_GOTO): target = try datagram.value(attribute)
    case Int(FRA_UID_RANGE):
      let bounds = try Rule.pair(attribute, UInt32.self, in: datagram)
      userIDs = bounds
      if bounds == nil { try otherAttributes.append(attribute, from: datagram) }
    case Int(FRA_IP_PROTO): ipProtocol = IPProtocol(rawValue: try datagram.value(attribute))
    case Int(FRA_SPORT_RANGE):
      sourcePorts = try Rule.pair(attribute, UInt16.self, in: datagram)
      if sourcePorts == nil { try otherAttributes.append(attribute, from: datagram) }
    case Int(FRA_DPORT_RANGE):
      destinationPorts = try Rule.pair(attribute, UInt16.self, in: datagram)
      if destinationPorts == nil { try otherAttributes.append(attribute, from: datagram) }
    case Int(FRA_TUN_ID): tunnelID = UInt64(bigEndian: try datagram.value(attribute))
    case Int(FRA_L3MDEV): usesVRFTable = try datagram.value(attribute, as: UInt8.self) != 0
    case Int(FRA_FLOW): realms = try datagram.value(attribute)
    case codePointAttribute: codePoint = try datagram.value(attribute)
    default: try otherAttributes.append(attribute, from: datagram)
    }
  }

  /// Reads the first and the last number of a range; nil when they are the wrong way round.
  private static func pair<Bound: FixedWidthInteger & BitwiseCopyable>(
    _ attribute: Attribute, _ type: Bound.Type, in datagram: RawSpan
  ) throws(WireError) -> ClosedRange<Bound>? {
    let size = MemoryLayout<Bound>.size
    guard attribute.payload.count == 2 * size else {
      throw .attributeWidth(type: attribute.type, expected: 2 * size, actual: attribute.payload.count)
    }
    let start = attribute.payload.lowerBound
    let (first, last) = (try datagram.load(type, at: start), try datagram.load(type, at: start + size))
    return first <= last ? first...last : nil
  }

  /// Writes what few rules have.
  func putMore(into writer: MessageWriter) {
    if let suppressedGroup { writer.put(Int(FRA_SUPPRESS_IFGROUP), suppressedGroup.rawValue) }
    if let target { writer.put(Int(FRA_GOTO), target) }
    if let userIDs { writer.put(Int(FRA_UID_RANGE), values: [userIDs.lowerBound, userIDs.upperBound]) }
    if let ipProtocol { writer.put(Int(FRA_IP_PROTO), ipProtocol.rawValue) }
    if let sourcePorts { writer.put(Int(FRA_SPORT_RANGE), values: [sourcePorts.lowerBound, sourcePorts.upperBound]) }
    if let destinationPorts {
      writer.put(Int(FRA_DPORT_RANGE), values: [destinationPorts.lowerBound, destinationPorts.upperBound])
    }
    if let tunnelID { writer.put(Int(FRA_TUN_ID), tunnelID.bigEndian) }
    if usesVRFTable { writer.put(Int(FRA_L3MDEV), UInt8(1)) }
    if let realms { writer.put(Int(FRA_FLOW), realms) }
    if let codePoint { writer.put(codePointAttribute, codePoint) }
  }
}
