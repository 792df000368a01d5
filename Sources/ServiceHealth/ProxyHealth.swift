// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
import Synchronization

/// Whether the service proxy of a node does its work, and whether load balancers are to use the node.
///
/// The proxy tells it when a change waits and when the datapath is up to date; servers ask it. All members may be called
/// from anywhere at any time.
public final class ProxyHealth: Sendable {
  private struct State {
    var lastUpdated: Timestamp?
    /// When the oldest change came that was not written yet, on the clock that never jumps.
    var oldestPending: ContinuousClock.Instant?
    var isNodeEligible = true
  }

  /// How long a change may wait before the proxy counts as stuck.
  public let timeout: Duration
  private let clock: ContinuousClock
  private let state = Mutex(State())

  /// Makes the health of a proxy that has written nothing yet.
  ///
  /// - Parameter timeout: how long a change may wait before the proxy counts as stuck; 60 seconds for kube-proxy.
  public init(timeout: Duration = .seconds(60)) {
    self.timeout = timeout
    clock = ContinuousClock()
  }

  /// Says that a change waits to be written.
  public func changeQueued() {
    let now = clock.now
    state.withLock { $0.oldestPending = $0.oldestPending ?? now }
  }

  /// Says that the datapath does what the objects ask for.
  public func updated() {
    let now = WallClock.now()
    state.withLock {
      $0.oldestPending = nil
      $0.lastUpdated = now
    }
  }

  /// Says what the API knows of the node.
  ///
  /// - Parameter node: its object; nil if it is gone. A node that is being deleted, or that the cluster autoscaler is
  ///   about to delete, is not eligible: load balancers are to send nothing new to it.
  public func nodeChanged(_ node: Node?) {
    state.withLock { $0.isNodeEligible = node.map { !$0.isLeaving } ?? false }
  }

  /// Whether no change waits for longer than ``timeout``.
  ///
  /// True before the first update: a proxy that starts is alive.
  public var isAlive: Bool { snapshot.isAlive }

  /// Whether the datapath was written at least once, and no change waits for longer than ``timeout``.
  ///
  /// kube-proxy calls itself healthy before the first update too, and draws connections that it cannot serve.
  public var isHealthy: Bool { snapshot.isHealthy }

  /// Whether load balancers may use the node; true until the node's object says otherwise.
  public var isNodeEligible: Bool { snapshot.isNodeEligible }

  /// All of it at one moment.
  struct Snapshot {
    var isAlive: Bool
    var isHealthy: Bool
    var isNodeEligible: Bool
    var lastUpdated: Timestamp?
  }

  var snapshot: Snapshot {
    let now = clock.now
    return state.withLock { state in
      let isAlive = state.oldestPending.map { now - $0 < timeout } ?? true
      return Snapshot(
        isAlive: isAlive, isHealthy: isAlive && state.lastUpdated != nil, isNodeEligible: state.isNodeEligible,
        lastUpdated: state.lastUpdated)
    }
  }
}
