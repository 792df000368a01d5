// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The endpoints of one port of a service in one family, and which of them each scope uses.
///
/// The rules are kube-proxy's (`CategorizeEndpoints`): an endpoint that is ready is used; a scope without one uses those
/// that serve while they end (KEP-1669), each scope for itself; hints narrow the cluster scope alone, and only if every
/// ready endpoint has one and one of them is for this node (KEP-2433, KEP-4444).
struct EndpointSelection {
  struct Candidate {
    var address: IPAddress
    var port: Port
    var state: ParsedSlice.State
    var weight: UInt16
  }

  /// By address and port, without duplicates.
  private(set) var candidates: [Candidate]

  /// Finds the endpoints for one port of a service.
  ///
  /// Slices are one set, whatever their order: an endpoint that two of them list, as happens while it moves from one to
  /// the other, is one backend, ready if either says so, on this node if either says so.
  init(
    _ slices: [ParsedSlice], family: AddressFamily, portName: String, protocol: TransportProtocol
  ) {
    candidates = []
    var sources = 0
    for slice in slices where slice.family == family {
      for port in slice.ports where port.protocol == `protocol` && port.name == portName {
        sources += 1
        candidates.reserveCapacity(candidates.count + slice.endpoints.count)
        for endpoint in slice.endpoints {
          candidates.append(
            Candidate(
              address: endpoint.address, port: port.number, state: endpoint.state, weight: endpoint.weight))
        }
      }
    }
    if sources > 1 { candidates.sort(by: Self.precedes) }
    mergeDuplicates()
  }

  /// Keeps what satisfies a condition.
  mutating func keep(_ condition: (Candidate) -> Bool) { candidates.removeAll { !condition($0) } }

  private static func precedes(_ left: Candidate, _ right: Candidate) -> Bool {
    if left.address.precedes(right.address) { return true }
    return left.port < right.port && left.address == right.address
  }

  private mutating func mergeDuplicates() {
    guard candidates.count > 1 else { return }
    var last = 0
    for index in 1..<candidates.count {
      if Self.precedes(candidates[last], candidates[index]) {
        last += 1
        if last != index { candidates[last] = candidates[index] }
      } else {
        candidates[last].merge(candidates[index])
      }
    }
    candidates.removeSubrange((last + 1)...)
  }

  /// Which hints narrow the cluster scope.
  private var topology: ParsedSlice.State {
    var all: ParsedSlice.State = [.nodeHinted, .zoneHinted]
    var matches: ParsedSlice.State = []
    for candidate in candidates where candidate.state.contains(.ready) {
      all.formIntersection(candidate.state)
      if all.isEmpty { return [] }
      matches.formUnion(candidate.state)
    }
    if all.contains(.nodeHinted), matches.contains(.nodeMatches) { return .nodeMatches }
    if all.contains(.zoneHinted), matches.contains(.zoneMatches) { return .zoneMatches }
    return []
  }

  /// Writes backends and scopes into an entry; the local scope only if `usesLocal`.
  ///
  /// Endpoints that serve while they end and that no scope uses stay among the backends: they keep what they have.
  func fill(_ entry: inout ServiceEntry, usesLocal: Bool) {
    var seen: ParsedSlice.State = []
    var seenLocal: ParsedSlice.State = []
    for candidate in candidates {
      seen.formUnion(candidate.state)
      if candidate.state.contains(.local) { seenLocal.formUnion(candidate.state) }
    }
    let clusterNeeds = seen.contains(.ready) ? topology.union(.ready) : .draining
    let localNeeds: ParsedSlice.State = seenLocal.contains(.ready) ? [.ready, .local] : [.draining, .local]
    let hasWeights = if case .maglev = entry.algorithm { true } else { false }

    entry.backends.reserveCapacity(candidates.count)
    entry.cluster.reserveCapacity(candidates.count)
    for candidate in candidates {
      let isInCluster = candidate.state.isSuperset(of: clusterNeeds)
      let isInLocal = usesLocal && candidate.state.isSuperset(of: localNeeds)
      let isDraining = candidate.state.contains(.draining)
      guard isInCluster || isInLocal || isDraining else { continue }
      if isInCluster { entry.cluster.append(entry.backends.count) }
      if isInLocal { entry.local.append(entry.backends.count) }
      entry.backends.append(
        ServiceBackend(
          address: candidate.address, port: candidate.port, isLocal: candidate.state.contains(.local),
          isTerminating: isDraining, weight: hasWeights ? candidate.weight : 1))
    }
  }
}

extension EndpointSelection.Candidate {
  /// Takes what another slice says of the same endpoint.
  fileprivate mutating func merge(_ other: Self) {
    let isLocal = state.union(other.state).intersection(.local)
    switch (state.contains(.ready), other.state.contains(.ready)) {
    case (true, true), (false, false): state.formUnion(other.state)
    case (true, false): break
    case (false, true): state = other.state
    }
    state.formUnion(isLocal)
    weight = max(weight, other.weight)
  }
}
