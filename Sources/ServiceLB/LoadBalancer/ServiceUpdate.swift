// SPDX-License-Identifier: Apache-2.0

/// What an update of the maps wrote: counts of writes by kind.
public struct ServiceUpdate: Hashable, Sendable {
  /// Frontends that are new or served in another way.
  public var frontends = 0
  /// Frontends that are gone.
  public var removedFrontends = 0
  /// Services whose slots are elsewhere now, once for each scope.
  public var extents = 0
  /// Slots.
  public var slots = 0
  /// New backends.
  public var backends = 0
  /// Backends that began or ended to take flows, or are gone.
  public var backendStates = 0
  /// Services whose algorithm or session affinity is another.
  public var configurations = 0
  /// Source ranges that came or went.
  public var sourceRanges = 0
  /// Addresses of the node that came or went.
  public var nodeAddresses = 0
  /// What an earlier update left at rest, and is free now.
  public var cleared = 0
  /// UDP backends that are gone, by index: see ``ServiceLoadBalancer/endStaleDatagramSockets(in:)``.
  public var goneDatagramBackends: Set<UInt32> = []

  /// Makes an update that wrote nothing.
  public init() {}

  init(_ plan: ServiceMapPlan) {
    frontends = plan.frontendsUp.count
    removedFrontends = plan.frontendsDown.count
    extents = plan.clusters.count + plan.locals.count
    slots = plan.slotValues.count
    backends = plan.backends.count
    backendStates = plan.statesUp.count + plan.statesDown.count
    configurations = plan.configurations.count
    sourceRanges = plan.rangesUp.count + plan.rangesDown.count
    nodeAddresses = plan.nodeAddressesUp.count + plan.nodeAddressesDown.count
    cleared = plan.cleared.count
    goneDatagramBackends = plan.goneDatagramBackends
  }

  /// Whether nothing was written.
  public var isEmpty: Bool { self == ServiceUpdate() }
}

extension ServiceUpdate: CustomStringConvertible {
  /// `3 frontends, 4 extents, 40 slots`, or `nothing`.
  public var description: String {
    let parts = [
      (frontends, "frontends"), (removedFrontends, "frontends removed"), (extents, "extents"), (slots, "slots"),
      (backends, "backends"), (backendStates, "backend states"), (configurations, "configurations"),
      (sourceRanges, "source ranges"), (nodeAddresses, "node addresses"), (cleared, "cleared"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }
}
