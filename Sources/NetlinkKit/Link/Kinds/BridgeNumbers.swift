// SPDX-License-Identifier: Apache-2.0

/// Who runs the spanning tree protocol of a bridge (`IFLA_BR_STP_STATE`).
public struct BridgeSpanningTree: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Nobody.
  public static let off = BridgeSpanningTree(rawValue: 0)
  /// The kernel; asked for, a program takes it over if one is installed (`/sbin/bridge-stp`).
  public static let kernel = BridgeSpanningTree(rawValue: 1)
  /// A program.
  public static let program = BridgeSpanningTree(rawValue: 2)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "off"
    case 1: "kernel"
    case 2: "user"
    default: "\(rawValue)"
    }
  }
}

/// Whether all multicast packets go to a bridge itself, or out of a port (`MDB_RTR_TYPE_...`).
public struct BridgeMulticastRouter: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// No.
  public static let never = BridgeMulticastRouter(rawValue: 0)
  /// When a router was heard of.
  public static let learned = BridgeMulticastRouter(rawValue: 1)
  /// Yes.
  public static let always = BridgeMulticastRouter(rawValue: 2)
  /// For a while, of a port.
  public static let temporarily = BridgeMulticastRouter(rawValue: 3)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "disabled"
    case 1: "learned"
    case 2: "permanent"
    case 3: "temporary"
    default: "\(rawValue)"
    }
  }
}

/// What a bridge's port does with packets (`BR_STATE_...`).
public struct BridgePortState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Nothing.
  public static let disabled = BridgePortState(rawValue: 0)
  /// It hears the spanning tree protocol.
  public static let listening = BridgePortState(rawValue: 1)
  /// It learns addresses, too.
  public static let learning = BridgePortState(rawValue: 2)
  /// It forwards them.
  public static let forwarding = BridgePortState(rawValue: 3)
  /// Nothing, as it would close a loop.
  public static let blocking = BridgePortState(rawValue: 4)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "disabled"
    case 1: "listening"
    case 2: "learning"
    case 3: "forwarding"
    case 4: "blocking"
    default: "\(rawValue)"
    }
  }
}

/// Further switches of a bridge (`BR_BOOLOPT_...`).
public struct BridgeOptions: OptionSet, Sendable, Hashable {
  /// The kernel's bits.
  public let rawValue: UInt32

  /// Makes options from the kernel's bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// It learns nothing from the messages meant for the next bridge alone (`no_linklocal_learn`).
  public static let noLinkLocalLearning = BridgeOptions(rawValue: 1)
  /// Each VLAN finds out for itself which ports want which groups (`mcast_vlan_snooping`); Linux 5.15.
  public static let multicastVLANSnooping = BridgeOptions(rawValue: 2)
  /// Groups of VLANs have spanning trees of their own (`mst_enabled`); Linux 5.18, changes only without VLANs.
  public static let multipleSpanningTrees = BridgeOptions(rawValue: 4)
  /// Failures to put multicast groups into hardware are announced (`mdb_offload_fail_notification`); Linux 6.16.
  public static let groupFailureNews = BridgeOptions(rawValue: 8)
  /// Its own addresses are kept once and not for each VLAN (`fdb_local_vlan_0`); Linux 6.18.
  public static let localAddressesOnce = BridgeOptions(rawValue: 16)

  /// All that this module names.
  static let known = BridgeOptions(rawValue: 31)
  /// Those about VLANs.
  static let ofVLANs: BridgeOptions = [.multicastVLANSnooping, .multipleSpanningTrees, .localAddressesOnce]
}
