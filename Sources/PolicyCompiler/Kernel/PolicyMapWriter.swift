// SPDX-License-Identifier: Apache-2.0

public import DatapathPrograms
public import KubernetesModel

/// Puts compiled policies into force in the kernel, without a moment in which a packet meets half of them.
///
/// A generation is written beside the one in force, one store puts it into force, and the old one is removed once no
/// program can still be at work with it. Generations go on counting after a restart: what an earlier process left half
/// written is removed first.
///
/// ```swift
/// let writer = PolicyMapWriter(datapath: datapath, node: "node-1")
/// let published = try await writer.apply(.compile(input), endpoints: [web: 7])
/// ```
public actor PolicyMapWriter {
  private var publisher: PolicyPublisher
  private let gracePeriod: Duration
  private var last: Task<Result<PolicyPublication, PolicyError>, Never>?

  /// Makes a writer.
  ///
  /// One datapath has one writer.
  ///
  /// - Parameters:
  ///   - datapath: the node's datapath.
  ///   - node: this node's name, whose addresses always reach its pods; nil for none.
  ///   - gracePeriod: how long after the switch the old generation stays; a program runs for microseconds.
  public init(datapath: PodDatapath, node: String?, gracePeriod: Duration = .milliseconds(100)) {
    self.init(tables: DatapathPolicyTables(datapath: datapath), node: node, gracePeriod: gracePeriod)
  }

  package init(tables: any PolicyTables, node: String?, gracePeriod: Duration) {
    publisher = PolicyPublisher(tables, node: node)
    self.gracePeriod = gracePeriod
  }

  /// Replaces the policies in force.
  ///
  /// Calls are served one after the other.
  ///
  /// Returns after the old generation was removed. The new one is in force much earlier; if only the removal fails, that
  /// is not an error: the next call removes what is left.
  ///
  /// - Parameters:
  ///   - policy: compiled policies of the whole cluster.
  ///   - endpoints: the endpoint number of each pod of this node. Pods that are not in `policy` are left out: the
  ///     datapath treats them as not compiled yet.
  /// - Returns: the generation, and what it takes.
  /// - Throws: `.full` and `.invalidEndpoint` before anything is written; `.kernel` otherwise. The policies that were in
  ///   force stay in force.
  /// - Requires: CAP_BPF, Linux 6.1.
  @discardableResult
  public func apply(
    _ policy: CompiledPolicy, endpoints: [NamespacedName: UInt32]
  ) async throws(PolicyError) -> PolicyPublication {
    let previous = last
    // Not cancelled with the caller: the grace period must pass.
    let task = Task { () -> Result<PolicyPublication, PolicyError> in
      _ = await previous?.value
      return await perform(policy, endpoints)
    }
    last = task
    return try await task.value.get()
  }

  private func perform(
    _ policy: CompiledPolicy, _ endpoints: [NamespacedName: UInt32]
  ) async -> Result<PolicyPublication, PolicyError> {
    do {
      let publication = try publisher.publish(policy, endpoints: endpoints)
      try? await Task.sleep(for: gracePeriod)
      try? publisher.retire(policy, endpoints: endpoints)
      return .success(publication)
    } catch {
      return .failure(error)
    }
  }
}

/// What a publication put into force.
public struct PolicyPublication: Hashable, Sendable {
  /// The generation's number; flow records carry it.
  public let generation: UInt32
  /// Entries in the map `peer_class`.
  public let classes: Int
  /// Entries in the map `verdict`.
  public let verdicts: Int
  /// Endpoints that have rule sets or are known to be unrestricted.
  public let endpoints: Int
}
