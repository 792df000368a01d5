// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
public import NetworkTypes

/// A class of a queueing discipline: to make one, and as read back.
public struct TrafficClass: Sendable, Hashable {
  /// The link's index.
  public var interface: InterfaceIndex
  /// What it is in: the queueing discipline, or another class of it; ``TrafficHandle/root`` is what the kernel says of a
  /// class that is in no other.
  public var parent: TrafficHandle
  /// Its number, with the major of its queueing discipline.
  public var handle: TrafficHandle
  /// Its kind, and the settings of that kind.
  public var settings: ClassSettings
  /// The queueing discipline that packets of the class wait in; unspecified for one that the kernel made, or none; not
  /// sent.
  public var leaf: TrafficHandle = .unspecified
  /// What passed it; not sent.
  public var statistics: TrafficStatistics?
  /// What the kernel sent in `TCA_OPTIONS` besides; not sent.
  public var otherOptions = RawAttributes()
  /// What the kernel sent besides (`TCA_...`); not sent.
  public var otherAttributes = RawAttributes()

  /// Describes a class.
  ///
  /// - Parameters:
  ///   - interface: the link's index.
  ///   - parent: the queueing discipline, or the class of it, that it is in.
  ///   - handle: its number, with the major of its queueing discipline.
  ///   - settings: its kind, and the settings of that kind.
  public init(
    interface: InterfaceIndex, parent: TrafficHandle, handle: TrafficHandle, settings: ClassSettings
  ) {
    self.interface = interface
    self.parent = parent
    self.handle = handle
    self.settings = settings
  }

  /// Its kind, by the kernel's name, such as `htb`.
  public var kind: String { settings.name }
}

extension TrafficClass {
  /// Reads an `RTM_NEWTCLASS` message; nil for one that belongs to no link.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    let header = try TrafficControl.header(of: message, in: datagram)
    guard let interface = InterfaceIndex(rawValue: UInt32(bitPattern: header.tcm_ifindex)) else { return nil }
    var kind = ""
    var parts = TrafficParts()
    var others = RawAttributes()
    var cursor = message.attributes(after: TrafficControl.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_KIND): kind = try datagram.string(attribute)
      default: try parts.take(attribute, in: datagram, rest: &others)
      }
    }
    var rest = RawAttributes()
    var settings: ClassSettings?
    if kind == "htb" {
      if let own = try ClassSettings.HTB(parts.options, in: datagram, rest: &rest) { settings = .htb(own) }
    }
    if settings == nil {
      var raw = RawAttributes()
      if let options = parts.options { try raw.append(options, from: datagram) }
      settings = .other(kind, options: raw)
    }
    self.init(
      interface: interface, parent: TrafficHandle(rawValue: header.tcm_parent),
      handle: TrafficHandle(rawValue: header.tcm_handle), settings: settings ?? .other(kind))
    leaf = TrafficHandle(rawValue: header.tcm_info)
    otherOptions = rest
    statistics = try parts.statistics(in: datagram, rest: &others)
    otherAttributes = others
  }

  /// Writes the class as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    writer.put(
      header: TrafficControl.header(
        interface.rawValue, handle: handle.rawValue, parent: parent, info: leaf.rawValue))
    writer.put(Int(TCA_KIND), string: settings.name)
    switch settings {
    case .htb(let htb):
      writer.nested(Int(TCA_OPTIONS)) { writer in
        htb.encodeReply(into: writer)
        writer.put(otherOptions)
      }
    case .other(_, let options): writer.put(options)
    }
    statistics?.encodeReply(Int(TCA_STATS2), into: writer)
    writer.put(otherAttributes)
  }
}
