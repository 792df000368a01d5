// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
public import NetworkTypes

/// The aggregate that a bond in ``BondMode/lacp`` uses: ``Link/bondAggregation``.
public struct BondAggregation: Sendable, Hashable {
  /// The aggregate's number (`IFLA_BOND_AD_INFO_AGGREGATOR`).
  public internal(set) var aggregator: UInt16?
  /// How many ports are in it (`IFLA_BOND_AD_INFO_NUM_PORTS`).
  public internal(set) var portCount: UInt16?
  /// The key of its ports (`IFLA_BOND_AD_INFO_ACTOR_KEY`).
  public internal(set) var actorKey: UInt16?
  /// The key of its partner's ports (`IFLA_BOND_AD_INFO_PARTNER_KEY`).
  public internal(set) var partnerKey: UInt16?
  /// Its partner's address; zero while there is none (`IFLA_BOND_AD_INFO_PARTNER_MAC`).
  public internal(set) var partner: MACAddress?
}

extension Link {
  /// The aggregate it uses when it is a bond in ``BondMode/lacp``; nil when it is none or uses none.
  ///
  /// The kernel tells only those with `CAP_NET_ADMIN`. It is looked up in ``otherKindAttributes`` each time
  /// (`IFLA_BOND_AD_INFO`).
  public var bondAggregation: BondAggregation? {
    guard case .bond? = kind else { return nil }
    var found: BondAggregation?
    otherKindAttributes.visit { list, span throws(WireError) in
      guard list.kind == Int(IFLA_BOND_AD_INFO) else { return }
      var aggregation = BondAggregation()
      var cursor = AttributeCursor(list.payload)
      while let attribute = try cursor.next(in: span) {
        switch attribute.kind {
        case Int(IFLA_BOND_AD_INFO_AGGREGATOR): aggregation.aggregator = try span.value(attribute)
        case Int(IFLA_BOND_AD_INFO_NUM_PORTS): aggregation.portCount = try span.value(attribute)
        case Int(IFLA_BOND_AD_INFO_ACTOR_KEY): aggregation.actorKey = try span.value(attribute)
        case Int(IFLA_BOND_AD_INFO_PARTNER_KEY): aggregation.partnerKey = try span.value(attribute)
        case Int(IFLA_BOND_AD_INFO_PARTNER_MAC): aggregation.partner = try span.macAddress(attribute)
        default: break
        }
      }
      found = aggregation
    }
    return found
  }
}
