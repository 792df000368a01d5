// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import DatapathPrograms
public import KubernetesModel
internal import LinuxSystem

/// Puts compiled policies into force in the kernel, without a moment in which a packet meets half of them.
///
/// Only what is different is written, beside what is in force; one store puts it into force; what it replaced is removed
/// when no program can be at work with it. After a restart a writer reads what its predecessor left and goes on from there,
/// whatever it was in the middle of.
///
/// ```swift
/// let writer = try PolicyMapWriter(datapath: datapath, node: "node-1")
/// var policy = CompiledPolicy(input)
/// try await writer.apply(policy, endpoints: [web: 7])
/// policy.apply([.pod(key, pod)])
/// try await writer.apply(policy, endpoints: [web: 7])  // what the pod touches, and nothing else
/// ```
public actor PolicyMapWriter {
  private let publisher: PolicyPublisher
  private let node: String?
  private let lock = SerialLock()
  /// What was published last; nil: nothing, or half known.
  private var revision: PolicyRevision?

  /// Makes a writer.
  ///
  /// One datapath has one writer. Before another one takes over in the same process, wait for ``finish()`` of the first: what
  /// it has yet to remove, the other may be using again.
  ///
  /// - Parameters:
  ///   - datapath: The node's datapath.
  ///   - node: This node's name, whose addresses are judged as those of the pods' own node; nil for none.
  /// - Throws: `permissionDenied`; `systemCall` when the kernel is out of memory.
  /// - Requires: CAP_BPF, Linux 6.1.
  public init(datapath: PodDatapath, node: String?) throws(BPFError) {
    self.init(maps: try DatapathPolicyMaps(datapath), node: node)
  }

  package init(maps: any PolicyMaps, node: String?) {
    publisher = PolicyPublisher(maps)
    self.node = node
  }

  /// Puts policies into force.
  ///
  /// Calls are served one after the other. The call returns when the policies are in force: packets that come now are judged
  /// by them. What they replaced is removed afterwards.
  ///
  /// Only what is different from what this writer published last is looked at, where `policy` remembers it
  /// (``CompiledPolicy/delta(since:)``).
  ///
  /// A number may be given to another pod when a call without the old one has returned and the wiring has removed the old
  /// one's flows (`PodDatapath.removeFlows(ofEndpoint:)`): until then the old pod's rules and replies would be the new
  /// one's.
  ///
  /// - Parameters:
  ///   - policy: Compiled policies of the whole cluster, or of this node.
  ///   - endpoints: The endpoint number of each pod of this node. Pods that are not in `policy` are left out: the datapath
  ///     treats them as not compiled yet.
  /// - Returns: The generation in force, and what it took.
  /// - Throws: `.full` and `.invalidEndpoint` before anything is written; `.kernel` otherwise. The policies that were in
  ///   force stay in force, and the next call begins with what is there.
  /// - Requires: CAP_BPF, Linux 6.1.
  @discardableResult
  public func apply(
    _ policy: CompiledPolicy, endpoints: [NamespacedName: UInt32]
  ) async throws(PolicyError) -> PolicyPublication {
    let publication = try await lock.locked { () async throws(PolicyError) -> PolicyPublication in
      let delta = revision.flatMap { policy.delta(since: $0) }
      revision = nil
      let publication: PolicyPublication
      do throws(PolicyError) {
        publication = try await publisher.publish(
          .init(tables: policy.tables, endpoints: endpoints, node: node), delta: delta)
      } catch {
        guard let shortage = error.shortage else { throw error }
        throw error.naming(policy.costs(of: shortage.map, for: endpoints.keys))
      }
      revision = policy.revision
      return publication
    }
    Task { await finish() }
    return publication
  }

  /// Publishes tables of whatever history.
  ///
  /// - Parameters:
  ///   - tables: The tables of the whole cluster.
  ///   - delta: Which entries of the tables are others than in those that this writer published last; nil: any.
  ///   - endpoints: The endpoint number of each pod of this node.
  /// - Returns: What is in force.
  /// - Throws: ``PolicyError``; what was in force stays so.
  @discardableResult
  package func publish(
    tables: PolicyTables, delta: PolicyDelta? = nil, endpoints: [NamespacedName: UInt32]
  ) async throws(PolicyError) -> PolicyPublication {
    let target = PolicyTarget(tables: tables, endpoints: endpoints, node: node)
    let publication = try await lock.locked { () async throws(PolicyError) -> PolicyPublication in
      revision = nil
      return try await publisher.publish(target, delta: delta)
    }
    Task { await finish() }
    return publication
  }

  /// Returns when what the last publication replaced is removed.
  ///
  /// Nobody has to call it, but to hand a datapath over: the removal begins by itself, and the next publication waits for it.
  public func finish() async {
    await lock.locked { await publisher.finish() }
  }

  /// What the number of a decision stands for, as counters and flow records carry it.
  ///
  /// - Parameter number: The number.
  /// - Returns: Its rule set and which of the set's answers it is; nil for a number that stands for nothing, or no longer.
  public func decision(_ number: UInt32) -> PolicyDecision? {
    publisher.store?.decision(number)
  }
}
