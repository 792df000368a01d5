// SPDX-License-Identifier: Apache-2.0

/// What a netkit pair carries (`IFLA_NETKIT_MODE`).
public struct NetkitMode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a mode from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Frames, with link-layer addresses.
  public static let l2 = NetkitMode(rawValue: 0)
  /// Packets: no ARP, and no link-layer address can be given.
  public static let l3 = NetkitMode(rawValue: 1)

  /// The mode in `ip link`'s words.
  public var description: String { rawValue == 0 ? "l2" : rawValue == 1 ? "l3" : "\(rawValue)" }
}

/// What becomes of packets where no program is attached to an end of a netkit pair (`IFLA_NETKIT_POLICY`).
public struct NetkitPolicy: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a policy from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// They go to the other end (`NETKIT_PASS`).
  public static let pass = NetkitPolicy(rawValue: 0)
  /// They are dropped: `ip link`'s "blackhole" (`NETKIT_DROP`).
  public static let drop = NetkitPolicy(rawValue: 2)

  /// The policy in `ip link`'s words.
  public var description: String { rawValue == 0 ? "forward" : rawValue == 2 ? "blackhole" : "\(rawValue)" }
}

/// What is wiped off a packet when it passes a netkit pair (`IFLA_NETKIT_SCRUB`).
public struct NetkitScrub: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Mark and priority stay.
  public static let none = NetkitScrub(rawValue: 0)
  /// Mark and priority go.
  public static let marks = NetkitScrub(rawValue: 1)

  /// The value in `ip link`'s words.
  public var description: String { rawValue == 0 ? "none" : rawValue == 1 ? "default" : "\(rawValue)" }
}

/// The settings of a netkit pair: ``LinkKind/netkit(peer:_:)``.
///
/// What is nil is the kernel's choice, or stays as it is. All belong to the pair and are set on its primary end, the one
/// that is created and not its peer; there the policies alone can change.
public struct NetkitSettings: Sendable, Hashable {
  /// What it carries; the kernel's choice is ``NetkitMode/l3`` (`IFLA_NETKIT_MODE`).
  public var mode: NetkitMode?
  /// What becomes of packets sent by this end without a program (`IFLA_NETKIT_POLICY`).
  public var policy: NetkitPolicy?
  /// What becomes of packets sent by the peer without a program (`IFLA_NETKIT_PEER_POLICY`).
  public var peerPolicy: NetkitPolicy?
  /// What is wiped off packets that this end sends; Linux 6.13 (`IFLA_NETKIT_SCRUB`).
  public var scrub: NetkitScrub?
  /// What is wiped off packets that the peer sends; Linux 6.13 (`IFLA_NETKIT_PEER_SCRUB`).
  public var peerScrub: NetkitScrub?
  /// How much room is kept in front of packets, in bytes; Linux 6.14 (`IFLA_NETKIT_HEADROOM`).
  public var headroom: UInt16?
  /// How much room is kept behind packets, in bytes; Linux 6.14 (`IFLA_NETKIT_TAILROOM`).
  public var tailroom: UInt16?
  /// Whether this is the primary end; only read (`IFLA_NETKIT_PRIMARY`).
  public internal(set) var isPrimary: Bool?

  /// Describes settings.
  ///
  /// - Parameters:
  ///   - mode: what it carries.
  ///   - policy: what becomes of packets sent by this end without a program.
  ///   - peerPolicy: what becomes of packets sent by the peer without a program.
  ///   - scrub: what is wiped off packets that this end sends.
  ///   - peerScrub: what is wiped off packets that the peer sends.
  ///   - headroom: how much room is kept in front of packets, in bytes.
  ///   - tailroom: how much room is kept behind packets, in bytes.
  public init(
    mode: NetkitMode? = nil, policy: NetkitPolicy? = nil, peerPolicy: NetkitPolicy? = nil, scrub: NetkitScrub? = nil,
    peerScrub: NetkitScrub? = nil, headroom: UInt16? = nil, tailroom: UInt16? = nil
  ) {
    self.mode = mode
    self.policy = policy
    self.peerPolicy = peerPolicy
    self.scrub = scrub
    self.peerScrub = peerScrub
    self.headroom = headroom
    self.tailroom = tailroom
  }
}

extension NetkitSettings: LinkData {
  /// `IFLA_NETKIT_...`, newer than the headers this is built with.
  enum Number {
    static let peerInfo = 1
    static let primary = 2
    static let policy = 3
    static let peerPolicy = 4
    static let mode = 5
    static let scrub = 6
    static let peerScrub = 7
    static let headroom = 8
    static let tailroom = 9
  }

  /// Says nothing of any setting.
  public init() { self.init(mode: nil) }

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Number.primary: isPrimary = try datagram.isOn(attribute)
    case Number.policy: policy = NetkitPolicy(rawValue: try datagram.value(attribute))
    case Number.peerPolicy: peerPolicy = NetkitPolicy(rawValue: try datagram.value(attribute))
    case Number.mode: mode = NetkitMode(rawValue: try datagram.value(attribute))
    case Number.scrub: scrub = NetkitScrub(rawValue: try datagram.value(attribute))
    case Number.peerScrub: peerScrub = NetkitScrub(rawValue: try datagram.value(attribute))
    case Number.headroom: headroom = try datagram.value(attribute)
    case Number.tailroom: tailroom = try datagram.value(attribute)
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    if asReply { writer.put(Number.primary, ifSet: isPrimary) }
    writer.put(Number.policy, ifSet: policy?.rawValue)
    writer.put(Number.peerPolicy, ifSet: peerPolicy?.rawValue)
    writer.put(Number.mode, ifSet: mode?.rawValue)
    writer.put(Number.scrub, ifSet: scrub?.rawValue)
    writer.put(Number.peerScrub, ifSet: peerScrub?.rawValue)
    writer.put(Number.headroom, ifSet: headroom)
    writer.put(Number.tailroom, ifSet: tailroom)
  }
}
