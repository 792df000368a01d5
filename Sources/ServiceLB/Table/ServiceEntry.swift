// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One port of one service in one address family, as the datapath is to serve it.
///
/// The choice which endpoints serve is made already (readiness, termination, topology), once for each scope: see
/// ``ServicePlanner``.
public struct ServiceEntry: Hashable, Sendable {
  /// Which port of which service.
  public var name: ServicePortName
  /// The family of its frontends and backends.
  public var family: AddressFamily
  /// The addresses it answers at, in order.
  public var frontends: [ServiceFrontend]
  /// All endpoints that flows may be at, in order: those that serve, and those that only end what they have.
  public var backends: [ServiceBackend]
  /// The cluster scope: indices into ``backends``, ascending.
  public var cluster: [Int]
  /// The local scope: indices into ``backends``, ascending, all on this node.
  ///
  /// Used where a traffic policy is `Local`.
  public var local: [Int]
  /// `internalTrafficPolicy: Local`: cluster IPs use the local scope.
  public var isInternalLocal = false
  /// `externalTrafficPolicy: Local`: clients outside the cluster use the local scope and keep their address.
  public var isExternalLocal = false
  /// `sessionAffinity: ClientIP` with this many seconds, 1...86400; nil: none.
  public var affinitySeconds: UInt32?
  /// How a new flow finds its backend.
  public var algorithm = ServiceAlgorithm.random
  /// `loadBalancerSourceRanges`: who may use its load balancer addresses; empty: everyone.
  public var sourceRanges: [IPCIDR] = []
  /// Whether backends answer clients outside by themselves.
  public var isDirectReturn = false
  /// Whether the backends stand in, on this node, for those of the service itself (`FRONTEND_LOCAL_REDIRECT`).
  ///
  /// A socket is then left alone where its own network namespace listens on what it asks for: the stand-in's own.
  public var isLocalRedirect = false

  /// Makes an entry; frontends, backends and ranges are put in order, and duplicates go.
  ///
  /// - Parameters:
  ///   - name: Which port of which service.
  ///   - family: The family of all its addresses.
  ///   - frontends: What it answers at.
  ///   - backends: Endpoints that serve in the cluster scope; those on this node are the local scope.
  public init(
    name: ServicePortName, family: AddressFamily = .ipv4, frontends: [ServiceFrontend], backends: [ServiceBackend]
  ) {
    self.name = name
    self.family = family
    self.frontends = Set(frontends).sorted()
    var byKey: [ServiceBackend.Key: ServiceBackend] = [:]
    for backend in backends { byKey[backend.key] = byKey[backend.key] ?? backend }
    self.backends = byKey.values.sorted { $0.key < $1.key }
    cluster = Array(self.backends.indices)
    local = self.backends.indices.filter { [backends = self.backends] in backends[$0].isLocal }
  }

  /// What no two entries of a table share: name and family.
  public struct ID: Hashable, Sendable {
    /// Which port of which service.
    public var name: ServicePortName
    /// The family of its frontends and backends.
    public var family: AddressFamily

    /// Makes an identifier from its parts.
    public init(name: ServicePortName, family: AddressFamily) {
      self.name = name
      self.family = family
    }
  }

  /// Name and family.
  public var id: ID { ID(name: name, family: family) }
}

extension ServiceEntry.ID: Comparable {
  /// Orders by name, then family.
  public static func < (left: Self, right: Self) -> Bool {
    left.name == right.name ? left.family.rawValue < right.family.rawValue : left.name < right.name
  }
}

extension ServiceEntry: CustomStringConvertible {
  /// Name, properties that are not the usual ones, frontends and backends, one line each.
  public var description: String {
    var lines = ["\(name) \(family == .ipv4 ? "IPv4" : "IPv6")"]
    if isInternalLocal { lines.append("  internal traffic policy Local") }
    if isExternalLocal { lines.append("  external traffic policy Local") }
    if let affinitySeconds { lines.append("  session affinity \(affinitySeconds) s") }
    if algorithm != .random { lines.append("  \(algorithm)") }
    if isDirectReturn { lines.append("  direct server return") }
    if isLocalRedirect { lines.append("  redirected on this node") }
    lines += sourceRanges.map { "  from \($0)" }
    lines += frontends.map { "  \($0)" }
    for (index, backend) in backends.enumerated() {
      let scopes = (cluster.contains(index) ? ["cluster"] : []) + (local.contains(index) ? ["local"] : [])
      lines.append("    -> \(backend) (\(scopes.isEmpty ? "drains" : scopes.joined(separator: ", ")))")
    }
    if cluster.isEmpty { lines.append("    -> connection refused (no endpoint)") }
    if isInternalLocal || isExternalLocal, local.isEmpty, !cluster.isEmpty {
      lines.append("    -> dropped where the policy is Local (no endpoint on this node)")
    }
    return lines.joined(separator: "\n")
  }
}
