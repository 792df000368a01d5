// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import DatapathPrograms
package import KubernetesModel
internal import LinuxSystem

/// Puts compiled policies into force in the kernel, without a moment in which a packet meets half of them.
///
/// Only what is different is written, beside what is in force; one store puts it into force; what it replaced is removed
/// when no program can be at work with it. After a restart a writer reads what its predecessor left and goes on from there,
/// whatever it was in the middle of.
///
/// ```swift
/// let writer = try PolicyMapWriter(datapath: datapath, node: "node-1")
/// let published = try await writer.apply(.compile(input), endpoints: [web: 7])
/// ```
public actor PolicyMapWriter {
  private let publisher: PolicyPublisher
  private let node: String?
  private let lock = SerialLock()

  /// Makes a writer.
  ///
  /// One datapath has one writer.
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

  /// Publishes tables.
  ///
  /// Calls are served one after the other. The call returns when the tables are in force; what they replaced is removed
  /// afterwards.
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
      try await publisher.publish(target, delta: delta)
    }
    Task { await finish() }
    return publication
  }

  /// Returns when what the last publication replaced is removed.
  ///
  /// Nobody has to call it: the removal begins by itself, and the next publication waits for it.
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
