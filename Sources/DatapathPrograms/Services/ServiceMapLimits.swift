// SPDX-License-Identifier: Apache-2.0

/// How much the maps of services hold.
///
/// All memory is taken when a map is made. Maps that are pinned already keep their size: a table that is in use cannot be
/// resized.
public struct ServiceMapLimits: Hashable, Sendable {
  /// Addresses that services answer at, for each family.
  ///
  /// Maps `frontend4` and `frontend6`; from 1 to 2^20; about 80 and 96 bytes each.
  public var frontends: UInt32
  /// Addresses that services answer at, of both families.
  ///
  /// Map `vip`; from 2 to 2^20, as number 0 is never used; 32 bytes each.
  public var vips: UInt32
  /// Ports of services, of both families.
  ///
  /// Maps `service`, `service_config` and `service_counter`; from 2 to 2^20, as number 0 is never used; 24 bytes each, and
  /// 32 for each processor.
  public var services: UInt32
  /// Endpoints summed over all services and scopes, and over the tables of those that use Maglev.
  ///
  /// Map `service_slot`; from 2 to 2^31, even; 4 bytes each.
  public var slots: UInt32
  /// Endpoints of all services.
  ///
  /// Map `backend`; from 2 to 2^31, as number 0 is never used; 32 bytes each.
  public var backends: UInt32
  /// `loadBalancerSourceRanges` of all services.
  ///
  /// Map `source_range`; at least 1; memory is taken by each entry.
  public var sourceRanges: UInt32
  /// Addresses at which node ports are served.
  ///
  /// Map `node_address`; at least 1.
  public var nodeAddresses: UInt32
  /// Network namespaces whose sockets are left alone.
  ///
  /// Map `socket_exclusion`; at least 1.
  public var exclusions: UInt32
  /// Clients of services with session affinity.
  ///
  /// Map `affinity`; at least 1; about 104 bytes each. Beyond it the client that came longest ago is placed anew. A
  /// processor takes 128 free entries at a time for itself on Linux 6.1, so that a smaller map than 128 for each forgets
  /// clients before it is full (seen there: two of 64 entries, from two processors, and one was gone).
  public var affinities: UInt32
  /// Services beyond the first that unconnected UDP sockets talk to.
  ///
  /// Map `datagram_peer`; at least 1; about 120 bytes each. Beyond it the one used longest ago is forgotten.
  public var datagramPeers: UInt32

  /// Chooses sizes; see the properties for the ranges.
  public init(
    frontends: UInt32 = 65_536, vips: UInt32 = 65_536, services: UInt32 = 65_536, slots: UInt32 = 1_048_576,
    backends: UInt32 = 262_144, sourceRanges: UInt32 = 65_536, nodeAddresses: UInt32 = 256, exclusions: UInt32 = 4096,
    affinities: UInt32 = 65_536, datagramPeers: UInt32 = 65_536
  ) {
    self.frontends = frontends
    self.vips = vips
    self.services = services
    self.slots = slots
    self.backends = backends
    self.sourceRanges = sourceRanges
    self.nodeAddresses = nodeAddresses
    self.exclusions = exclusions
    self.affinities = affinities
    self.datagramPeers = datagramPeers
  }

  /// Sizes for a node of a cluster with some 30,000 service ports and 250,000 endpoints: 53 MB of kernel memory, and 2 MB
  /// for each processor.
  public static let `default` = ServiceMapLimits()

  /// The least there can be, for programs that balance nothing.
  public static let none = ServiceMapLimits(
    frontends: 1, vips: 2, services: 2, slots: 2, backends: 2, sourceRanges: 1, nodeAddresses: 1, exclusions: 1,
    affinities: 1, datagramPeers: 1)

  /// The sizes by map; socket storage has none.
  var sizes: [(map: String, entries: UInt32)] {
    [
      ("frontend4", frontends), ("frontend6", frontends), ("vip", vips), ("service", services),
      ("service_config", services), ("service_slot", slots / 2), ("backend", backends), ("source_range", sourceRanges),
      ("node_address", nodeAddresses), ("socket_exclusion", exclusions), ("affinity", affinities),
      ("datagram_peer", datagramPeers), ("service_counter", services),
    ]
  }
}
