// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension Qdisc {
  /// Reads an `RTM_NEWQDISC` message; nil for one that belongs to no link.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    let header = try TrafficControl.header(of: message, in: datagram)
    guard let interface = InterfaceIndex(rawValue: UInt32(bitPattern: header.tcm_ifindex)) else { return nil }
    self.init(
      interface: interface, parent: TrafficHandle(rawValue: header.tcm_parent),
      handle: TrafficHandle(rawValue: header.tcm_handle), settings: .noqueue)
    referenceCount = header.tcm_info
    var kind = ""
    var parts = TrafficParts()
    var cursor = message.attributes(after: TrafficControl.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_KIND): kind = try datagram.string(attribute)
      case Int(TCA_INGRESS_BLOCK): ingressBlock = try datagram.value(attribute)
      case Int(TCA_EGRESS_BLOCK): egressBlock = try datagram.value(attribute)
      case Int(TCA_HW_OFFLOAD): isOffloaded = try datagram.flag8(attribute, rest: &otherAttributes)
      default: try parts.take(attribute, in: datagram, rest: &otherAttributes)
      }
    }
    saysOptions = parts.options != nil
    settings = try QdiscSettings(kind: kind, options: parts.options, in: datagram, rest: &otherOptions)
    statistics = try parts.statistics(in: datagram, rest: &otherAttributes)
  }

  /// Writes the queueing discipline as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    writer.put(
      header: TrafficControl.header(
        interface.rawValue, handle: handle.rawValue, parent: parent, info: referenceCount))
    writer.put(Int(TCA_KIND), string: settings.name)
    settings.encode(into: writer, isReply: true, rest: otherOptions, saysOptions: saysOptions)
    if let ingressBlock { writer.put(Int(TCA_INGRESS_BLOCK), ingressBlock) }
    if let egressBlock { writer.put(Int(TCA_EGRESS_BLOCK), egressBlock) }
    if let isOffloaded { writer.put(Int(TCA_HW_OFFLOAD), UInt8(isOffloaded ? 1 : 0)) }
    statistics?.encodeReply(Int(TCA_STATS2), into: writer)
    writer.put(otherAttributes)
  }
}

/// The attributes that are understood only together, once all have been seen.
struct TrafficParts {
  private(set) var options: Attribute?
  private var current: Attribute?
  private var legacy: Attribute?
  private var application: Attribute?

  mutating func take(
    _ attribute: Attribute, in datagram: RawSpan, rest: inout RawAttributes
  ) throws(WireError) {
    switch attribute.kind {
    case Int(TCA_OPTIONS): options = attribute
    case Int(TCA_STATS2): current = attribute
    case Int(TCA_STATS): legacy = attribute
    case Int(TCA_XSTATS): application = attribute
    default: try rest.append(attribute, from: datagram)
    }
  }

  func statistics(in datagram: RawSpan, rest: inout RawAttributes) throws(WireError) -> TrafficStatistics? {
    try TrafficStatistics.decode(current, legacy: legacy, application: application, in: datagram, rest: &rest)
  }
}
