// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
import CDatapathABI

extension PodDatapath {
  /// What was dropped so far, by reason, on all processors together.
  ///
  /// Reasons that never occurred are left out.
  ///
  /// - Returns: Counts since the map was made; they never go down.
  /// - Throws: `permissionDenied`; `systemCall`.
  public func readDropCounters() throws(BPFError) -> [DropReason: DropCount] {
    var counts: [DropReason: DropCount] = [:]
    for reason in DropReason.allCases {
      let count = DropCount(summing: try dropCounters.values(at: UInt32(reason.rawValue)) ?? [])
      if count.packets > 0 { counts[reason] = count }
    }
    return counts
  }

  /// What a decision did so far, on all processors together.
  ///
  /// - Parameter decision: The decision's number; one beyond the map has done nothing.
  /// - Returns: Packets that it let pass and that it dropped; further packets of an allowed flow are not judged.
  /// - Throws: `permissionDenied`; `systemCall`.
  public func readDecisionCounter(at decision: UInt32) throws(BPFError) -> DecisionCount {
    DecisionCount(summing: try decisionCounters.values(at: decision) ?? [])
  }

  /// How many flow records found ``flowEvents`` full.
  ///
  /// - Returns: The number since the map was made.
  /// - Throws: `permissionDenied`; `systemCall`.
  public func readLostEventCount() throws(BPFError) -> UInt64 {
    (try lostEvents.values(at: 0) ?? []).reduce(0, &+)
  }

  /// Forgets an endpoint's flows.
  ///
  /// Call it between taking an endpoint identifier from one pod and giving it to another: flows are kept by identifier, so
  /// that the next pod would inherit the replies of the last one. Flows that begin meanwhile may stay; clear
  /// `ENDPOINT_PRESENT` first.
  ///
  /// - Parameter endpoint: The endpoint.
  /// - Returns: How many were forgotten.
  /// - Throws: `permissionDenied`; `systemCall`.
  @discardableResult
  public func removeFlows(ofEndpoint endpoint: UInt32) throws(BPFError) -> Int {
    var removed = 0
    for (key, _) in try flows.entries() where UInt32(key.endpoint) == endpoint {
      if try flows.removeValue(forKey: key) { removed += 1 }
    }
    return removed
  }
}
