// SPDX-License-Identifier: Apache-2.0

/// How well a neighbour is known (`NUD_...`).
public struct NeighbourState: OptionSet, Sendable, Hashable {
  /// The state as the kernel numbers it.
  public let rawValue: UInt16

  /// Makes a state from the kernel's number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Being asked for.
  public static let incomplete = NeighbourState(rawValue: 0x01)
  /// Known, and heard from lately.
  public static let reachable = NeighbourState(rawValue: 0x02)
  /// Known, but perhaps no longer true.
  public static let stale = NeighbourState(rawValue: 0x04)
  /// Known, and about to be asked for again.
  public static let delay = NeighbourState(rawValue: 0x08)
  /// Known, and being asked for again.
  public static let probe = NeighbourState(rawValue: 0x10)
  /// Did not answer.
  public static let failed = NeighbourState(rawValue: 0x20)
  /// Needs no asking.
  public static let noARP = NeighbourState(rawValue: 0x40)
  /// Set by an administrator, and never asked for.
  public static let permanent = NeighbourState(rawValue: 0x80)
}

/// What is true of a neighbour or of a forwarding entry (`NTF_...`, `NTF_EXT_...`).
public struct NeighbourFlags: OptionSet, Sendable, Hashable {
  /// The flags of the header in the lowest eight bits, and above them those that came later (`NDA_FLAGS_EXT`).
  public let rawValue: UInt64

  /// Makes a set from its bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  init(header: UInt8, extended: UInt32) { rawValue = UInt64(extended) << 8 | UInt64(header) }

  /// The part that goes in the header.
  var header: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
  /// The part that goes in an attribute.
  var extended: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 8) }

  /// In a request: it is taken for used, and asked for at once if it is not known (`NTF_USE`).
  public static let use = NeighbourFlags(rawValue: 1 << 0)
  /// A forwarding entry of the link itself, such as a VXLAN tunnel (`NTF_SELF`).
  public static let `self` = NeighbourFlags(rawValue: 1 << 1)
  /// A forwarding entry of the bridge that the link is a port of (`NTF_MASTER`).
  public static let master = NeighbourFlags(rawValue: 1 << 2)
  /// This machine answers for it (`NTF_PROXY`).
  public static let proxy = NeighbourFlags(rawValue: 1 << 3)
  /// A program learnt it, and the kernel does not age it (`NTF_EXT_LEARNED`).
  public static let externallyLearned = NeighbourFlags(rawValue: 1 << 4)
  /// The hardware has it (`NTF_OFFLOADED`).
  public static let offloaded = NeighbourFlags(rawValue: 1 << 5)
  /// A forwarding entry that does not move to another port (`NTF_STICKY`).
  public static let sticky = NeighbourFlags(rawValue: 1 << 6)
  /// IPv6: it is a router (`NTF_ROUTER`).
  public static let router = NeighbourFlags(rawValue: 1 << 7)
  /// The kernel keeps it known, by asking again and again (`NTF_EXT_MANAGED`, Linux 5.16).
  public static let managed = NeighbourFlags(rawValue: 1 << 8)
  /// A forwarding entry whose address may send through no other port (`NTF_EXT_LOCKED`, Linux 6.2).
  public static let locked = NeighbourFlags(rawValue: 1 << 9)
}
