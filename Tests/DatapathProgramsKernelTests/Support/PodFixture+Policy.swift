// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import NetworkTypes

extension PodFixture {
  /// Destination ports that a rule names.
  enum Ports {
    case any
    case exact(UInt16)
    /// An aligned block: the port's first `bits` bits.
    case block(UInt16, bits: UInt32)
  }

  /// One entry of the verdict table.
  struct Rule {
    var classID: UInt32
    /// nil: any.
    var ipProtocol: IPProtocol?
    var ports = Ports.any
    var isAllow = true
    var decision: UInt32 = 1
  }

  /// One entry of the class table.
  struct PeerClass {
    var address: IPv4Address
    var prefixLength: UInt32 = 32
    var id: UInt32
    var isLocalNode = false
  }

  static let defaultClass = UInt32(PEER_CLASS_DEFAULT)
  static let peerClassID: UInt32 = 4

  /// `peer` has a class of its own, `node` is this node.
  static let classes = [
    PeerClass(address: peer, id: peerClassID),
    PeerClass(address: node, id: 9, isLocalNode: true),
  ]

  /// Writes a generation's tables and publishes it.
  ///
  /// A direction without rules (nil) is not isolated.
  func publish(
    generation: UInt32 = 1, ingress: [Rule]? = nil, egress: [Rule]? = nil, classes: [PeerClass] = classes
  ) throws {
    let sets = (ingress: ingress == nil ? 0 : generation * 2, egress: egress == nil ? 0 : generation * 2 + 1)
    for entry in classes {
      let key = peer_class_key(
        prefix_length: 32 + entry.prefixLength, generation: generation, address: entry.address.networkOrder)
      let value = peer_class(class_id: entry.id, flags: entry.isLocalNode ? UInt32(PEER_IS_LOCAL_NODE) : 0)
      try datapath.peerClasses.updateValue(value, forKey: key)
    }
    for (set, rules) in [(sets.ingress, ingress ?? []), (sets.egress, egress ?? [])] {
      for rule in rules {
        let value = verdict(decision: rule.decision, flags: rule.isAllow ? UInt32(VERDICT_ALLOW) : 0)
        try datapath.verdicts.updateValue(value, forKey: rule.key(set: set))
      }
    }
    try datapath.endpointPolicies.setValue(
      endpoint_policy(generation: generation, ingress_set: sets.ingress, egress_set: sets.egress, padding: 0),
      at: Self.endpointID * 2 + generation & 1)
    try datapath.policyState.setValue(policy_state(generation: generation, padding: 0), at: 0)
  }
}

extension PodFixture.Rule {
  fileprivate func key(set: UInt32) -> verdict_key {
    var key = verdict_key()
    key.rule_set = set
    key.peer_class = classID
    key.protocol = ipProtocol?.rawValue ?? 0
    key.prefix_length = UInt32(ipProtocol == nil ? VERDICT_ANY_PROTOCOL : VERDICT_ANY_PORT)
    switch ports {
    case .any: break
    case .exact(let port):
      key.prefix_length = UInt32(VERDICT_EXACT)
      key.port = port.bigEndian
    case .block(let port, let bits):
      key.prefix_length = UInt32(VERDICT_ANY_PORT) + bits
      key.port = port.bigEndian
    }
    return key
  }
}
