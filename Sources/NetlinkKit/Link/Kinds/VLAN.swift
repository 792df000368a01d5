// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// The EtherType of a VLAN tag (`IFLA_VLAN_PROTOCOL`).
public struct VLANProtocol: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The EtherType, in this machine's byte order.
  public let rawValue: UInt16

  /// Makes a protocol from its EtherType.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// A customer's tag, 0x8100.
  public static let dot1Q = VLANProtocol(rawValue: 0x8100)
  /// A provider's tag around a customer's, 0x88a8 ("QinQ").
  public static let dot1ad = VLANProtocol(rawValue: 0x88a8)

  /// The protocol in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0x8100: "802.1Q"
    case 0x88a8: "802.1ad"
    default: "0x" + String(rawValue, radix: 16)
    }
  }
}

/// What a VLAN link does besides tagging (`VLAN_FLAG_...`).
public struct VLANFlags: OptionSet, Sendable, Hashable {
  /// The kernel's bits.
  public let rawValue: UInt32

  /// Makes flags from the kernel's bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Packets look as if they had never had a tag, to those who capture them too; on unless switched off.
  public static let reorderHeader = VLANFlags(rawValue: 1)
  /// The VLAN is announced by GVRP.
  public static let gvrp = VLANFlags(rawValue: 2)
  /// It does not go up and down with its parent.
  public static let looseBinding = VLANFlags(rawValue: 4)
  /// The VLAN is announced by MVRP.
  public static let mvrp = VLANFlags(rawValue: 8)
  /// On a bridge: it is up as long as a port of the bridge in this VLAN is.
  public static let bridgeBinding = VLANFlags(rawValue: 16)

  /// All that can be set.
  static let known: VLANFlags = [.reorderHeader, .gvrp, .looseBinding, .mvrp, .bridgeBinding]
}

/// One line of a VLAN link's map between priorities (`struct ifla_vlan_qos_mapping`).
public struct VLANPriorityMapping: Sendable, Hashable {
  /// What is looked for: the tag's priority, 0...7, on the way in; the packet's in the kernel on the way out.
  public var from: UInt32
  /// What it becomes: the packet's priority in the kernel on the way in; the tag's, 0...7, on the way out.
  public var to: UInt32

  /// Describes a line.
  ///
  /// - Parameters:
  ///   - from: what is looked for.
  ///   - to: what it becomes.
  public init(from: UInt32, to: UInt32) {
    self.from = from
    self.to = to
  }
}

/// The settings of a VLAN link that can change while it exists: ``LinkKind/vlan(parent:id:protocol:_:)``.
public struct VLANSettings: Sendable, Hashable {
  /// What it does besides tagging (`IFLA_VLAN_FLAGS`).
  public var flags = MaskedFlags<VLANFlags>()
  /// From a tag's priority to the packet's (`IFLA_VLAN_INGRESS_QOS`).
  ///
  /// Lines are added to those there are; one with ``VLANPriorityMapping/to`` 0 takes away. The kernel never says that
  /// there are none: nil.
  public var ingressPriorities: [VLANPriorityMapping]?
  /// From a packet's priority to the tag's (`IFLA_VLAN_EGRESS_QOS`); as ``ingressPriorities``.
  public var egressPriorities: [VLANPriorityMapping]?

  /// Describes settings.
  ///
  /// - Parameters:
  ///   - flags: what it does besides tagging.
  ///   - ingressPriorities: from a tag's priority to the packet's.
  ///   - egressPriorities: from a packet's priority to the tag's.
  public init(
    flags: MaskedFlags<VLANFlags> = MaskedFlags(), ingressPriorities: [VLANPriorityMapping]? = nil,
    egressPriorities: [VLANPriorityMapping]? = nil
  ) {
    self.flags = flags
    self.ingressPriorities = ingressPriorities
    self.egressPriorities = egressPriorities
  }
}

/// The wire form of a VLAN link's settings, with what is fixed when it is created.
struct VLAN: LinkData, Equatable {
  var id: UInt16?
  var tag: VLANProtocol?
  var settings = VLANSettings()

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_VLAN_ID): id = try datagram.value(attribute)
    case Int(IFLA_VLAN_PROTOCOL): tag = VLANProtocol(rawValue: try datagram.networkValue(attribute))
    case Int(IFLA_VLAN_FLAGS): try settings.flags.read(attribute, in: datagram)
    case Int(IFLA_VLAN_INGRESS_QOS): settings.ingressPriorities = try VLAN.mappings(attribute, in: datagram)
    case Int(IFLA_VLAN_EGRESS_QOS): settings.egressPriorities = try VLAN.mappings(attribute, in: datagram)
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_VLAN_ID), ifSet: id)
    writer.put(Int(IFLA_VLAN_PROTOCOL), ifSet: tag?.rawValue.bigEndian)
    settings.flags.encode(Int(IFLA_VLAN_FLAGS), known: asReply ? nil : .known, into: writer)
    for (type, mappings) in [
      (Int(IFLA_VLAN_INGRESS_QOS), settings.ingressPriorities), (Int(IFLA_VLAN_EGRESS_QOS), settings.egressPriorities),
    ] {
      guard let mappings else { continue }
      writer.nested(type) { writer in
        for line in mappings { writer.put(Int(IFLA_VLAN_QOS_MAPPING), values: [line.from, line.to]) }
      }
    }
  }

  private static func mappings(
    _ list: Attribute, in datagram: RawSpan
  ) throws(WireError) -> [VLANPriorityMapping] {
    var mappings: [VLANPriorityMapping] = []
    var cursor = AttributeCursor(list.payload)
    while let attribute = try cursor.next(in: datagram) {
      guard attribute.kind == Int(IFLA_VLAN_QOS_MAPPING) else { continue }
      let (from, to): (UInt32, UInt32) = try datagram.pair(attribute)
      mappings.append(VLANPriorityMapping(from: from, to: to))
    }
    return mappings
  }
}
