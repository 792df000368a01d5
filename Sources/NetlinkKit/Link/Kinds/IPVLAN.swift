// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// At which layer an ipvlan link passes packets on (`IFLA_IPVLAN_MODE`).
public struct IPVLANMode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt16

  /// Makes a mode from the kernel's number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Frames: the links answer ARP and see broadcasts.
  public static let l2 = IPVLANMode(rawValue: 0)
  /// Packets: routed in the parent's namespace; no ARP, no broadcast.
  public static let l3 = IPVLANMode(rawValue: 1)
  /// Packets, through the parent namespace's netfilter hooks.
  ///
  /// Traffic control ingress of the link is bypassed.
  public static let l3s = IPVLANMode(rawValue: 2)

  /// The mode in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "l2"
    case 1: "l3"
    case 2: "l3s"
    default: "mode \(rawValue)"
    }
  }
}

/// Whether the ipvlan links on one parent reach each other (`IFLA_IPVLAN_FLAGS`).
public struct IPVLANFlag: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt16

  /// Makes a flag from the kernel's number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// They do, directly.
  public static let bridge = IPVLANFlag(rawValue: 0)
  /// They do not.
  public static let `private` = IPVLANFlag(rawValue: 1)
  /// They do only through a switch outside that sends frames back (802.1Qbg).
  public static let vepa = IPVLANFlag(rawValue: 2)

  /// The flag in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "bridge"
    case 1: "private"
    case 2: "vepa"
    default: "flags \(rawValue)"
    }
  }
}

/// The wire form of an ipvlan link's settings.
///
/// Both are 16 bits wide, in requests and in replies.
struct IPVLAN: LinkData, Equatable {
  var mode: IPVLANMode?
  var flag: IPVLANFlag?

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_IPVLAN_MODE): mode = IPVLANMode(rawValue: try datagram.value(attribute))
    case Int(IFLA_IPVLAN_FLAGS): flag = IPVLANFlag(rawValue: try datagram.value(attribute))
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_IPVLAN_MODE), ifSet: mode?.rawValue)
    writer.put(Int(IFLA_IPVLAN_FLAGS), ifSet: flag?.rawValue)
  }
}
