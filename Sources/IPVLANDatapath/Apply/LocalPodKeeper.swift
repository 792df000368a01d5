// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import NetworkTypes

/// Keeps a pod's addresses in the map of the node's pods.
///
/// Programs that translate to a pod look there: whether it is on this node, and whether it is a sibling of the one that
/// asks, so that frames to it get the pods' own station as receiver.
struct LocalPodKeeper: Sendable {
  let datapath: PodDatapath

  /// What the map held under an address before; a nil parent: nothing.
  struct Change: Sendable {
    var address: IPAddress
    var parentBefore: UInt32?
  }

  /// What is not as planned; nil when all is.
  func state(of planned: PlannedLocalPod) throws(BPFError) -> String? {
    var found: [String] = []
    for address in planned.addresses {
      let parent = try datapath.localPods.value(forKey: ip_address(address))
      if parent != planned.parent {
        found.append("\(address) \(parent.map { "with parent \($0)" } ?? "not listed")")
      }
    }
    return found.isEmpty ? nil : found.joined(separator: "; ")
  }

  /// Lists what is missing or wrong.
  ///
  /// Takes back what it did when it fails.
  ///
  /// - Returns: how to take it back; empty when all was there.
  func add(_ planned: PlannedLocalPod) throws(BPFError) -> [Change] {
    var changes: [Change] = []
    do throws(BPFError) {
      for address in planned.addresses {
        let before = try datapath.localPods.value(forKey: ip_address(address))
        if before == planned.parent { continue }
        try datapath.localPods.updateValue(planned.parent, forKey: ip_address(address))
        changes.append(Change(address: address, parentBefore: before))
      }
    } catch {
      try? takeBack(changes)
      throw error
    }
    return changes
  }

  func takeBack(_ changes: [Change]) throws(BPFError) {
    for change in changes.reversed() {
      let key = ip_address(change.address)
      if let parent = change.parentBefore {
        try datapath.localPods.updateValue(parent, forKey: key)
      } else {
        try datapath.localPods.removeValue(forKey: key)
      }
    }
  }

  /// Strikes the pod off, unless a later pod has its address: on another ENI, or by another number.
  func remove(_ planned: PlannedLocalPod) throws(BPFError) {
    if let number = planned.endpoint {
      // The entry goes after this, so that one that is gone or another pod's says that this was done before.
      guard let entry = try datapath.endpoints.value(at: number), entry.belongs(to: planned.address, planned.address6)
      else { return }
    }
    for address in planned.addresses
    where try datapath.localPods.value(forKey: ip_address(address)) == planned.parent {
      try datapath.localPods.removeValue(forKey: ip_address(address))
    }
  }
}
