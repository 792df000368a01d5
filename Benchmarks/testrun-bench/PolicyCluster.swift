// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// A cluster of so many policies, all of which are for pods of one node.
///
/// Each NetworkPolicy lets some pods of the node talk to and hear of one peer on one port. A pod on the node has up to 25 of
/// them. One policy in ten, up to a thousand, comes with an AdminNetworkPolicy for the guarded pod that denies it the
/// same peer on another port.
struct PolicyCluster {
  static let node = "node-1"
  static let pods = ["plain", "guarded"]

  /// Whom the measured pods talk to.
  enum Peer: String, CaseIterable {
    /// May be reached on TCP, UDP and SCTP ports 53, 80, 443 and 8000 to 9000.
    case known
    /// Is denied to the guarded pod by an AdminNetworkPolicy.
    case denied
    /// Is like the known one, and known by one of 100 blocks of addresses.
    case block
    /// May be reached by everything.
    case free

    private var number: UInt8 { self == .known ? 9 : self == .denied ? 10 : 11 }

    var v4: IPv4Address { self == .block ? IPv4Address(198, 51, 100, 7) : IPv4Address(10, 0, 0, number) }
    var v6: IPv6Address {
      self == .block
        ? IPv6Address(high: 0x2001_0db8 << 32 | 50 << 16, low: 7)
        : IPv6Address(high: 0xfd00 << 48, low: UInt64(number))
    }
  }

  private(set) var input = PolicyInput()
  /// The number of each pod of the node.
  private(set) var endpoints: [NamespacedName: UInt32] = [:]

  init(policies: Int) {
    input.namespaces = ["shop": [:], "peers": ["team": "peers"]]
    let count = min(policies, 4000)
    for number in 0..<count {
      let key = NamespacedName(namespace: "shop", name: number < 2 ? Self.pods[number] : "pod-\(number)")
      // The measured pods are the two with the same policies.
      addPod(
        key, ["id": "\(max(1, number))", "role": number < 2 ? "measured" : "other", "name": key.name],
        IPv4Address(rawValue: 0x0a02_0000 + UInt32(number)),
        IPv6Address(high: 0xfd00 << 48 | 2, low: UInt64(number) + 5), node: Self.node)
      endpoints[key] = UInt32(number) + 3
    }
    for peer in Peer.allCases where peer != .block {
      addPod(.init(namespace: "peers", name: peer.rawValue), ["peer": peer.rawValue], peer.v4, peer.v6)
    }
    for number in 0..<policies {
      addPod(
        .init(namespace: "peers", name: "peer-\(number)"), ["peer": "\(number)"],
        IPv4Address(rawValue: 0x0a40_0000 + UInt32(number)), IPv6Address(high: 0xfd01 << 48, low: UInt64(number)))
      addPolicy(number, pod: 1 + number % max(1, count - 1))
    }
    addMeasuredPolicy()
    for number in 0..<min(policies / 10, 1000) { addAdminPolicy(number) }
  }

  static func address(of pod: Int) -> (v4: IPv4Address, v6: IPv6Address) {
    (IPv4Address(rawValue: 0x0a02_0000 + UInt32(pod)), IPv6Address(high: 0xfd00 << 48 | 2, low: UInt64(pod) + 5))
  }

  private mutating func addPod(
    _ key: NamespacedName, _ labels: [String: String], _ v4: IPv4Address, _ v6: IPv6Address, node: String = "node-2"
  ) {
    input.pods.append(PolicyPod(key: key, labels: labels, addresses: [.v4(v4), .v6(v6)], node: node))
  }

  private static func pods(_ labels: [String: String]) -> NetworkPolicy.Peer {
    .init(podSelector: .init(matchLabels: labels), namespaceSelector: .init(matchLabels: ["team": "peers"]))
  }

  private mutating func addPolicy(_ number: Int, pod: Int) {
    let peer = Self.pods(["peer": "\(number)"])
    let ports: [NetworkPolicy.Port] = [
      .init(port: .int(Int32(1000 + number % 500))), .init(protocol: .udp, port: .int(Int32(2000 + number % 7))),
    ]
    let spec = NetworkPolicy.Spec(
      podSelector: .init(matchLabels: ["id": "\(pod)"]), ingress: [.init(ports: ports, from: [peer])],
      egress: [.init(ports: ports, to: [peer])], policyTypes: [.ingress, .egress])
    input.networkPolicies.append(
      NetworkPolicy(metadata: ObjectMeta(name: "policy-\(number)", namespace: "shop"), spec: spec))
  }

  private mutating func addMeasuredPolicy() {
    var peers = [Self.pods(["peer": Peer.known.rawValue]), Self.pods(["peer": Peer.denied.rawValue])]
    for index in UInt8(0)..<100 {
      let v6 = IPv6Address(high: 0x2001_0db8 << 32 | UInt64(index) << 16, low: 0)
      for block in [
        IPCIDR(address: .v4(IPv4Address(198, 51, 50 + index, 0)), prefixLength: 24),
        IPCIDR(address: .v6(v6), prefixLength: 48),
      ] {
        if let block { peers.append(.init(ipBlock: .init(cidr: block))) }
      }
    }
    let ports = TransportProtocol.allCases.flatMap { transport -> [NetworkPolicy.Port] in
      [53, 80, 443].map { .init(protocol: transport, port: .int($0)) }
        + [.init(protocol: transport, port: 8000, endPort: 9000)]
    }
    let free = Self.pods(["peer": Peer.free.rawValue])
    let spec = NetworkPolicy.Spec(
      podSelector: .init(matchLabels: ["role": "measured"]),
      ingress: [.init(ports: ports, from: peers), .init(from: [free])],
      egress: [.init(ports: ports, to: peers), .init(to: [free])], policyTypes: [.ingress, .egress])
    input.networkPolicies.append(
      NetworkPolicy(metadata: ObjectMeta(name: "measured", namespace: "shop"), spec: spec))
    addAdminPolicy("denied", Peer.denied.rawValue, priority: 0, ports: nil)
  }

  private mutating func addAdminPolicy(_ number: Int) {
    addAdminPolicy("admin-\(number)", "\(number * 10)", priority: Int32(number), ports: [.range(.tcp, 22...22)])
  }

  private mutating func addAdminPolicy(_ name: String, _ peer: String, priority: Int32, ports: [ClusterPolicy.Ports]?) {
    let peers: [ClusterPolicy.Peer] = [
      .pods(
        .init(
          namespaceSelector: .init(matchLabels: ["team": "peers"]), podSelector: .init(matchLabels: ["peer": peer])))
    ]
    let guarded = ClusterPolicy.PodSelector(
      namespaceSelector: .init(), podSelector: .init(matchLabels: ["name": "guarded"]))
    let spec = ClusterPolicy.Spec(
      tier: .admin, priority: priority, subject: .pods(guarded),
      ingress: [.init(action: .deny, peers: peers, ports: ports)],
      egress: [.init(action: .deny, peers: peers, ports: ports)])
    input.clusterPolicies.append(.admin(AdminNetworkPolicy(metadata: ObjectMeta(name: name), spec: spec)))
  }
}
