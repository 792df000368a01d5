// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
public import NetworkTypes

/// A bridge's name in the spanning tree protocol (`struct ifla_bridge_id`).
public struct BridgeID: Sendable, Hashable {
  /// The lower, the sooner it becomes the root.
  public var priority: UInt16
  /// The bridge's link-layer address.
  public var address: MACAddress

  init(priority: UInt16, address: MACAddress) {
    self.priority = priority
    self.address = address
  }
}

/// What a bridge says of itself, besides its settings: ``Link/bridgeStatus``.
public struct BridgeStatus: Sendable, Hashable {
  /// The root of the spanning tree, itself where it knows no other (`IFLA_BR_ROOT_ID`).
  public internal(set) var root: BridgeID?
  /// Its own name in the spanning tree protocol (`IFLA_BR_BRIDGE_ID`).
  public internal(set) var id: BridgeID?
  /// The number of the port that leads to the root; 0 when it is the root (`IFLA_BR_ROOT_PORT`).
  public internal(set) var rootPort: UInt16?
  /// What the path to the root costs (`IFLA_BR_ROOT_PATH_COST`).
  public internal(set) var rootPathCost: UInt32?
  /// Whether the tree is changing (`IFLA_BR_TOPOLOGY_CHANGE`).
  public internal(set) var isTopologyChanging: Bool?
  /// Whether it found a change of the tree (`IFLA_BR_TOPOLOGY_CHANGE_DETECTED`).
  public internal(set) var isTopologyChangeDetected: Bool?
  /// How many addresses it has learned; nil before Linux 6.7 (`IFLA_BR_FDB_N_LEARNED`).
  public internal(set) var learnedCount: UInt32?
}

/// What a bridge's port says of itself, besides its settings: ``Link/bridgePortStatus``.
public struct BridgePortStatus: Sendable, Hashable {
  /// The root of the spanning tree (`IFLA_BRPORT_ROOT_ID`).
  public internal(set) var root: BridgeID?
  /// The bridge that serves the network behind it (`IFLA_BRPORT_BRIDGE_ID`).
  public internal(set) var designatedBridge: BridgeID?
  /// That bridge's port (`IFLA_BRPORT_DESIGNATED_PORT`).
  public internal(set) var designatedPort: UInt16?
  /// What the path from there to the root costs (`IFLA_BRPORT_DESIGNATED_COST`).
  public internal(set) var designatedCost: UInt16?
  /// Its name in the spanning tree protocol: priority and number (`IFLA_BRPORT_ID`).
  public internal(set) var id: UInt16?
  /// Its number among the bridge's ports, 1...1023 (`IFLA_BRPORT_NO`).
  public internal(set) var number: UInt16?
  /// How many members of multicast groups it keeps track of (`IFLA_BRPORT_MCAST_EHT_HOSTS_CNT`).
  public internal(set) var trackedHostCount: UInt32?
  /// How many multicast groups it is in; nil before Linux 6.3 (`IFLA_BRPORT_MCAST_N_GROUPS`).
  public internal(set) var groupCount: UInt32?
}

extension Link {
  /// What it says of itself when it is a bridge; nil when it is none.
  ///
  /// It is looked up in ``otherKindAttributes`` each time.
  public var bridgeStatus: BridgeStatus? {
    guard case .bridge? = kind else { return nil }
    /// `IFLA_BR_FDB_N_LEARNED`, newer than the headers this is built with.
    let learned = 48
    var status = BridgeStatus()
    otherKindAttributes.visit { attribute, span throws(WireError) in
      switch attribute.kind {
      case Int(IFLA_BR_ROOT_ID): status.root = try BridgeID(attribute, in: span)
      case Int(IFLA_BR_BRIDGE_ID): status.id = try BridgeID(attribute, in: span)
      case Int(IFLA_BR_ROOT_PORT): status.rootPort = try span.value(attribute)
      case Int(IFLA_BR_ROOT_PATH_COST): status.rootPathCost = try span.value(attribute)
      case Int(IFLA_BR_TOPOLOGY_CHANGE): status.isTopologyChanging = try span.isOn(attribute)
      case Int(IFLA_BR_TOPOLOGY_CHANGE_DETECTED): status.isTopologyChangeDetected = try span.isOn(attribute)
      case learned: status.learnedCount = try span.value(attribute)
      default: break
      }
    }
    return status
  }

  /// What it says of itself when it is a bridge's port; nil when it is none.
  ///
  /// It is looked up in ``otherPortAttributes`` each time.
  public var bridgePortStatus: BridgePortStatus? {
    guard case .bridge? = port else { return nil }
    /// `IFLA_BRPORT_MCAST_N_GROUPS`, newer than the headers this is built with.
    let groups = 41
    var status = BridgePortStatus()
    otherPortAttributes.visit { attribute, span throws(WireError) in
      switch attribute.kind {
      case Int(IFLA_BRPORT_ROOT_ID): status.root = try BridgeID(attribute, in: span)
      case Int(IFLA_BRPORT_BRIDGE_ID): status.designatedBridge = try BridgeID(attribute, in: span)
      case Int(IFLA_BRPORT_DESIGNATED_PORT): status.designatedPort = try span.value(attribute)
      case Int(IFLA_BRPORT_DESIGNATED_COST): status.designatedCost = try span.value(attribute)
      case Int(IFLA_BRPORT_ID): status.id = try span.value(attribute)
      case Int(IFLA_BRPORT_NO): status.number = try span.value(attribute)
      case Int(IFLA_BRPORT_MCAST_EHT_HOSTS_CNT): status.trackedHostCount = try span.value(attribute)
      case groups: status.groupCount = try span.value(attribute)
      default: break
      }
    }
    return status
  }
}

extension BridgeID {
  /// Reads two bytes of priority and six of address, in network byte order.
  fileprivate init(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    let whole: UInt64 = try datagram.networkValue(attribute)
    self.init(priority: UInt16(truncatingIfNeeded: whole >> 48), address: MACAddress(truncating: whole))
  }
}
