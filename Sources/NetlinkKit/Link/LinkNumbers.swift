// SPDX-License-Identifier: Apache-2.0

/// A number that links can share, to be listed, changed or removed together (`ip link set group`).
///
/// Names for groups are in `/etc/iproute2/group`; the kernel knows numbers only.
public struct LinkGroup: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The number.
  public let rawValue: UInt32

  /// Makes a group from its number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Makes a group from its number.
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// The group of links that were put in no other.
  public static let `default` = LinkGroup(0)

  /// The group in `ip link`'s words.
  public var description: String { rawValue == 0 ? "default" : "\(rawValue)" }
}

/// Who decides when a link may carry packets (`IF_LINK_MODE_...`).
public struct LinkMode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a mode from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The driver alone.
  public static let `default` = LinkMode(rawValue: 0)
  /// A program too: a link that comes up is dormant until the program says so.
  public static let dormant = LinkMode(rawValue: 1)
  /// A test: the link stays in ``OperationalState/testing``.
  public static let testing = LinkMode(rawValue: 2)

  /// The mode in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "DEFAULT"
    case 1: "DORMANT"
    case 2: "TESTING"
    default: "\(rawValue)"
    }
  }
}

/// Why the kernel announced a link, when it says so (`IFLA_EVENT_...`).
public struct LinkEvent: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a reason from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The device was reset or rebooted.
  public static let reboot = LinkEvent(rawValue: 1)
  /// Its features (offloads) changed.
  public static let featuresChanged = LinkEvent(rawValue: 2)
  /// The active port of a bond changed.
  public static let bondingFailover = LinkEvent(rawValue: 3)
  /// Peers should be told its addresses anew.
  public static let notifyPeers = LinkEvent(rawValue: 4)
  /// Multicast memberships should be announced anew.
  public static let multicastRejoin = LinkEvent(rawValue: 5)
  /// An option of a bond or team changed.
  public static let bondingOption = LinkEvent(rawValue: 6)

  /// The reason in `ip monitor`'s words.
  public var description: String {
    let names = [
      "NONE", "REBOOT", "FEATURE CHANGE", "BONDING FAILOVER", "NOTIFY PEERS", "RESEND IGMP", "BONDING OPTION",
    ]
    return Int(exactly: rawValue).flatMap { $0 < names.count ? names[$0] : nil } ?? "\(rawValue)"
  }
}

/// How large the packets may be that the kernel cuts up only when it sends them (GSO), and that it puts together from
/// those that arrive (GRO).
///
/// What is nil is not said, or stays as it is.
public struct SegmentationLimits: Sendable, Hashable {
  /// The largest packet to be cut up, in bytes; at most ``Link/tsoMaximumSize`` (`IFLA_GSO_MAX_SIZE`).
  ///
  /// Up to 65536 it is the limit for IPv4 too, and what is above is for IPv6 alone ("BIG TCP").
  public var gsoMaximumSize: UInt32?
  /// The most packets that one is cut up into; at most ``Link/tsoMaximumSegments`` (`IFLA_GSO_MAX_SEGS`).
  public var gsoMaximumSegments: UInt32?
  /// The largest packet to be put together, in bytes (`IFLA_GRO_MAX_SIZE`).
  public var groMaximumSize: UInt32?
  /// The largest IPv4 packet to be cut up, in bytes (`IFLA_GSO_IPV4_MAX_SIZE`).
  ///
  /// Linux 6.3 or newer; before, the kernel ignores it without a word and says nothing of it.
  public var gsoIPv4MaximumSize: UInt32?
  /// The largest IPv4 packet to be put together, in bytes (`IFLA_GRO_IPV4_MAX_SIZE`).
  ///
  /// Linux 6.3 or newer; before, the kernel ignores it without a word and says nothing of it.
  public var groIPv4MaximumSize: UInt32?

  /// Describes limits.
  ///
  /// - Parameters:
  ///   - gsoMaximumSize: the largest packet to be cut up, in bytes.
  ///   - gsoMaximumSegments: the most packets that one is cut up into.
  ///   - groMaximumSize: the largest packet to be put together, in bytes.
  ///   - gsoIPv4MaximumSize: the largest IPv4 packet to be cut up, in bytes.
  ///   - groIPv4MaximumSize: the largest IPv4 packet to be put together, in bytes.
  public init(
    gsoMaximumSize: UInt32? = nil, gsoMaximumSegments: UInt32? = nil, groMaximumSize: UInt32? = nil,
    gsoIPv4MaximumSize: UInt32? = nil, groIPv4MaximumSize: UInt32? = nil
  ) {
    self.gsoMaximumSize = gsoMaximumSize
    self.gsoMaximumSegments = gsoMaximumSegments
    self.groMaximumSize = groMaximumSize
    self.gsoIPv4MaximumSize = gsoIPv4MaximumSize
    self.groIPv4MaximumSize = groIPv4MaximumSize
  }
}
