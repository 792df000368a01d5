// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
public import NetworkTypes

/// Which macvlan links on one parent reach each other (`IFLA_MACVLAN_MODE`).
public struct MACVLANMode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a mode from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// None.
  public static let `private` = MACVLANMode(rawValue: 1)
  /// All, through a switch outside that sends frames back (802.1Qbg).
  public static let vepa = MACVLANMode(rawValue: 2)
  /// All, directly.
  public static let bridge = MACVLANMode(rawValue: 4)
  /// There is only one, and it has the parent to itself.
  public static let passthrough = MACVLANMode(rawValue: 8)
  /// All, from listed source addresses.
  public static let source = MACVLANMode(rawValue: 16)

  /// The mode in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 1: "private"
    case 2: "vepa"
    case 4: "bridge"
    case 8: "passthru"
    case 16: "source"
    default: "mode \(rawValue)"
    }
  }
}

/// What a macvlan link does besides (`MACVLAN_FLAG_...`).
public struct MACVLANFlags: OptionSet, Sendable, Hashable {
  /// The kernel's bits.
  public let rawValue: UInt16

  /// Makes flags from the kernel's bits.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The parent is not made to take packets for every address; only for ``MACVLANMode/passthrough``.
  public static let noPromiscuous = MACVLANFlags(rawValue: 1)
  /// A packet that came by its source address is not delivered by its destination as well.
  public static let noDestination = MACVLANFlags(rawValue: 2)
}

/// The settings of a macvlan link: ``LinkKind/macvlan(parent:_:)``.
///
/// What is nil is the kernel's choice, or stays as it is.
public struct MACVLANSettings: Sendable, Hashable {
  /// Which links on the parent reach each other; the kernel's choice is ``MACVLANMode/vepa``.
  ///
  /// It can be changed, but neither from nor to ``MACVLANMode/passthrough``.
  public var mode: MACVLANMode?
  /// What it does besides (`IFLA_MACVLAN_FLAGS`).
  public var flags: MACVLANFlags?
  /// The source addresses whose packets it takes in ``MACVLANMode/source``, all of them; in other modes they are refused
  /// (`IFLA_MACVLAN_MACADDR_DATA`).
  public var sourceAddresses: [MACAddress]?
  /// How many broadcast packets the parent may hold back for its links (`IFLA_MACVLAN_BC_QUEUE_LEN`).
  ///
  /// The largest wish among the links on one parent counts. Linux 5.11.
  public var broadcastQueueLength: UInt32?
  /// How many broadcast packets the parent does hold back at most; only read (`IFLA_MACVLAN_BC_QUEUE_LEN_USED`).
  public internal(set) var usedBroadcastQueueLength: UInt32?
  /// From how many receivers on multicast packets are held back like broadcasts; negative for never
  /// (`IFLA_MACVLAN_BC_CUTOFF`).
  ///
  /// Linux 6.4; before, the kernel ignores it without a word.
  public var broadcastCutoff: Int32?

  /// Describes settings.
  ///
  /// - Parameters:
  ///   - mode: which links on the parent reach each other.
  ///   - flags: what it does besides.
  ///   - sourceAddresses: the source addresses whose packets it takes.
  ///   - broadcastQueueLength: how many broadcast packets the parent may hold back.
  ///   - broadcastCutoff: from how many receivers on multicast packets are held back like broadcasts.
  public init(
    mode: MACVLANMode? = nil, flags: MACVLANFlags? = nil, sourceAddresses: [MACAddress]? = nil,
    broadcastQueueLength: UInt32? = nil, broadcastCutoff: Int32? = nil
  ) {
    self.mode = mode
    self.flags = flags
    self.sourceAddresses = sourceAddresses
    self.broadcastQueueLength = broadcastQueueLength
    self.broadcastCutoff = broadcastCutoff
  }
}

extension MACVLANSettings: LinkData {
  /// Says nothing of any setting.
  public init() { self.init(mode: nil) }

  /// `IFLA_MACVLAN_BC_CUTOFF`, newer than the headers this is built with.
  private static let cutoff = 9
  /// `MACVLAN_MACADDR_SET`.
  private static let setAddresses: UInt32 = 3

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_MACVLAN_MODE): mode = MACVLANMode(rawValue: try datagram.value(attribute))
    case Int(IFLA_MACVLAN_FLAGS): flags = MACVLANFlags(rawValue: try datagram.value(attribute))
    // The list follows, if there is one.
    case Int(IFLA_MACVLAN_MACADDR_COUNT) where try datagram.value(attribute, as: UInt32.self) == 0:
      sourceAddresses = []
    case Int(IFLA_MACVLAN_MACADDR_COUNT): break
    case Int(IFLA_MACVLAN_MACADDR_DATA):
      var addresses: [MACAddress] = []
      var cursor = AttributeCursor(attribute.payload)
      while let address = try cursor.next(in: datagram) {
        if address.kind == Int(IFLA_MACVLAN_MACADDR) { addresses.append(try datagram.macAddress(address)) }
      }
      sourceAddresses = addresses
    case Int(IFLA_MACVLAN_BC_QUEUE_LEN): broadcastQueueLength = try datagram.value(attribute)
    case Int(IFLA_MACVLAN_BC_QUEUE_LEN_USED): usedBroadcastQueueLength = try datagram.value(attribute)
    case MACVLANSettings.cutoff: broadcastCutoff = try datagram.value(attribute)
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_MACVLAN_MODE), ifSet: mode?.rawValue)
    writer.put(Int(IFLA_MACVLAN_FLAGS), ifSet: flags?.rawValue)
    writer.put(Int(IFLA_MACVLAN_BC_QUEUE_LEN), ifSet: broadcastQueueLength)
    writer.put(MACVLANSettings.cutoff, ifSet: broadcastCutoff)
    if asReply { writer.put(Int(IFLA_MACVLAN_BC_QUEUE_LEN_USED), ifSet: usedBroadcastQueueLength) }
    guard let sourceAddresses else { return }
    if asReply {
      writer.put(Int(IFLA_MACVLAN_MACADDR_COUNT), UInt32(truncatingIfNeeded: sourceAddresses.count))
      if sourceAddresses.isEmpty { return }
    } else {
      // An empty list read from a link in another mode is none to send: the kernel would refuse it.
      if sourceAddresses.isEmpty, mode != nil, mode != .source { return }
      writer.put(Int(IFLA_MACVLAN_MACADDR_MODE), MACVLANSettings.setAddresses)
    }
    writer.nested(Int(IFLA_MACVLAN_MACADDR_DATA)) { writer in
      for address in sourceAddresses { writer.put(Int(IFLA_MACVLAN_MACADDR), address) }
    }
  }
}
