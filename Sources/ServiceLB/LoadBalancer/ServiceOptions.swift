// SPDX-License-Identifier: Apache-2.0

public import DatapathPrograms

/// How a load balancer is loaded.
public struct ServiceOptions: Hashable, Sendable {
  /// What the programs are loaded with: node ports, and whether packets pass programs that know services.
  public var constants: ServiceConstants
  /// How long the index of a TCP endpoint that is gone stays its own, for connections that go on.
  ///
  /// It is free earlier where ``ServiceLoadBalancer/collect(backendsInUse:)`` is told that nothing names it, or where
  /// other endpoints need it.
  public var drainTime: Duration

  /// Chooses options.
  ///
  /// - Parameters:
  ///   - constants: What the programs are loaded with.
  ///   - drainTime: How long the index of a TCP endpoint that is gone stays its own; an hour.
  public init(constants: ServiceConstants = ServiceConstants(), drainTime: Duration = .seconds(3600)) {
    self.constants = constants
    self.drainTime = drainTime
  }
}
