// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// The policies of a cluster, compiled into tables, and kept up to date change by change.
///
/// ```swift
/// var policy = CompiledPolicy(input)
/// policy.apply([.pod(key, pod)])        // only what the pod touches is computed
/// policy.tables                         // what the kernel gets
/// policy.answer(probe)                  // asked in user space
/// ```
///
/// Whatever the changes were, the tables have the same content as those of a full compilation of what came of them; only
/// identifiers differ.
///
/// - Important: ``tables`` is a value. While somebody keeps a copy of it, or of the whole, the next ``apply(_:)``
///   copies what it changes, at the cost of the size of the cluster. Read it in place, or let the copy go before.
public struct CompiledPolicy: Sendable {
  var state: CompilerState
  /// Which content this is: the same revision is the same content under the same identifiers.
  public private(set) var revision: PolicyRevision
  private var history: [(since: PolicyRevision, delta: PolicyDelta)] = []

  /// Whose policies are in force.
  public enum Scope: Hashable, Sendable {
    /// Those of all pods.
    case cluster
    /// Those that select pods of one node: its own tables, in which peers are still all pods.
    case node(String)
  }

  /// Compiles everything.
  ///
  /// - Parameters:
  ///   - input: policies and cluster. Of two objects with one name the later counts.
  ///   - options: choices the API leaves open.
  ///   - scope: whose policies are in force; pods outside of it have no entry in ``PolicyTables/endpoints``.
  public init(_ input: PolicyInput, options: PolicyOptions = PolicyOptions(), scope: Scope = .cluster) {
    state = CompilerState(options: options, scope: scope)
    revision = .first()
    state.load(input)
  }

  /// Compiles everything, with rule sets taken for large that have more elements or blocks than this.
  package init(
    _ input: PolicyInput, options: PolicyOptions = PolicyOptions(), scope: Scope = .cluster, largeSize: Int
  ) {
    state = CompilerState(options: options, scope: scope, largeSize: largeSize)
    revision = .first()
    state.load(input)
  }

  /// The tables.
  public var tables: PolicyTables {
    _read { yield state.tables }
  }

  /// The choices it was compiled with.
  public var options: PolicyOptions { state.options }

  /// Whose policies are in force.
  public var scope: Scope { state.scope.map { .node($0) } ?? .cluster }

  /// Applies changes, in order, and computes what they touch.
  ///
  /// Removing what is not there changes nothing.
  ///
  /// - Parameter changes: what is different now.
  /// - Returns: exactly the entries of ``tables`` that are different now.
  @discardableResult
  public mutating func apply(_ changes: [PolicyChange]) -> PolicyDelta {
    state.delta = PolicyDelta()
    for change in changes { state.apply(change) }
    state.settle()
    let delta = state.delta ?? PolicyDelta()
    state.delta = nil
    if delta.isEmpty { return delta }
    history.append((revision, delta))
    if history.count > Self.historyLimit { history.removeFirst() }
    revision = revision.next()
    return delta
  }

  private static let historyLimit = 16

  /// What is different from an earlier revision.
  ///
  /// - Parameter earlier: the revision a writer has published.
  /// - Returns: every entry that differs, and perhaps some that differed in between; nil where the revision is none of
  ///   the last sixteen before this one, so that everything has to be written.
  public func delta(since earlier: PolicyRevision) -> PolicyDelta? {
    if earlier == revision { return PolicyDelta() }
    guard let start = history.firstIndex(where: { $0.since == earlier }) else { return nil }
    return history[start...].reduce(into: PolicyDelta()) { $0.merge($1.delta) }
  }
}

/// One content of a ``CompiledPolicy``.
///
/// Two copies of a compiled policy that go different ways have different revisions.
public struct PolicyRevision: Hashable, Sendable {
  /// The full compilation that it goes back to.
  public var lineage: UInt64
  /// How many changes ago that was.
  public var number: UInt64
  private var nonce: UInt64

  static func first() -> PolicyRevision {
    PolicyRevision(lineage: .random(in: 1 ... .max), number: 0, nonce: 0)
  }

  func next() -> PolicyRevision {
    PolicyRevision(lineage: lineage, number: number + 1, nonce: .random(in: 1 ... .max))
  }
}

extension CompilerState {
  init(options: PolicyOptions, scope: CompiledPolicy.Scope, largeSize: Int = 4) {
    switch scope {
    case .cluster: self.init(options: options, scope: nil, largeSize: largeSize)
    case .node(let name): self.init(options: options, scope: name, largeSize: largeSize)
    }
  }

  mutating func load(_ input: PolicyInput) {
    // With room for the changes that follow.
    pods.reserveCapacity(input.pods.count + input.pods.count / 8)
    podRecords.reserveCapacity(input.pods.count + input.pods.count / 8 + 16)
    addresses.reserve(2 * input.pods.count)
    tables.peers.reserveCapacity(input.pods.count)
    for (name, labels) in input.namespaces.sorted(by: { $0.key < $1.key }) { changeNamespace(name, labels: labels) }
    for node in input.nodes { changeNode(node.name, node) }
    for pod in input.pods { changePod(pod.key, pod) }
    for policy in input.networkPolicies { apply(.networkPolicy(policy.key, policy)) }
    for policy in input.clusterPolicies { apply(.clusterPolicy(policy.reference, policy)) }
    settle()
  }
}
