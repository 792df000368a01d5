// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PolicyCompiler

/// What two sets of policies say of every connection that either of them tells apart.
struct PolicyComparison {
  /// What a pair of ends may do before and after, for one family of addresses.
  struct Pair {
    var source: Int
    var destination: Int
    var family: AddressFamily
    /// By class of ports.
    var old: [Bool]
    var new: [Bool]
    /// A connection whose verdict changed, to explain.
    var example: PolicyProbe?

    var isChanged: Bool { old != new }
  }

  /// How many connections are compared at most.
  static let limit = 8_000_000

  let ends: [FlowEnd]
  let ports: [PortClass]
  private(set) var pairs: [Pair] = []
  let oldPolicies: CheckedPolicies
  let newPolicies: CheckedPolicies

  init(old: PolicyInput, new: PolicyInput, options: PolicyOptions) throws {
    let vocabulary = PolicyVocabulary([old, new])
    var finder = FlowEnds(old, vocabulary)
    ends = finder.all()
    ports = vocabulary.ports
    oldPolicies = CheckedPolicies(old, options: options)
    newPolicies = CheckedPolicies(new, options: options)
    let count = ends.count.multipliedReportingOverflow(by: ends.count)
    guard !count.overflow, count.partialValue <= Self.limit / max(1, 2 * ports.count) else {
      throw InputError(
        "the policies tell \(ends.count) ends and \(ports.count) classes of ports apart, too many to compare; compare fewer policies at a time"
      )
    }
    for source in ends.indices {
      for destination in ends.indices where ends[source].kind == .pods || ends[destination].kind == .pods {
        for family in AddressFamily.allCases { try compare(source, destination, family, finder) }
      }
    }
  }

  private mutating func compare(
    _ source: Int, _ destination: Int, _ family: AddressFamily, _ finder: FlowEnds
  ) throws {
    guard let (from, to) = addresses(source, destination, family, finder) else { return }
    var pair = Pair(source: source, destination: destination, family: family, old: [], new: [])
    for port in ports {
      let probe = PolicyProbe(from: .address(from), to: .address(to), protocol: port.protocol, port: port.first)
      let old = try oldPolicies.answer(probe)?.isAllowed ?? false
      let new = try newPolicies.answer(probe)?.isAllowed ?? false
      if old != new, pair.example == nil { pair.example = probe }
      pair.old.append(old)
      pair.new.append(new)
    }
    pairs.append(pair)
  }

  /// Two addresses that stand for the pair; nil where there is no connection between two of them to speak of.
  private func addresses(
    _ source: Int, _ destination: Int, _ family: AddressFamily, _ finder: FlowEnds
  ) -> (IPAddress, IPAddress)? {
    let (from, to) = (ends[source], ends[destination])
    switch (from.kind, to.kind) {
    case (.ownNode, _): return own(to, family, finder).map { ($0.node, $0.pod) }
    case (_, .ownNode): return own(from, family, finder).map { ($0.pod, $0.node) }
    default:
      for first in from.samples {
        for second in to.samples {
          // A pod and itself, or its own node, are cases of their own.
          guard first.addresses != second.addresses,
            from.kind == to.kind || first.node == nil || first.node != second.node
          else { continue }
          if let one = first.address(family), let other = second.address(family) { return (one, other) }
        }
      }
      return nil
    }
  }

  private func own(_ end: FlowEnd, _ family: AddressFamily, _ finder: FlowEnds) -> (pod: IPAddress, node: IPAddress)? {
    for sample in end.samples where end.kind == .pods {
      if let pod = sample.address(family), let node = finder.ownNode(of: sample)?.address(family) { return (pod, node) }
    }
    return nil
  }
}
