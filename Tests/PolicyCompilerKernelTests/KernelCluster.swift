// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// A cluster and policies made from a seed, with some pods on this node, `n1`.
struct KernelCluster {
  var input = PolicyInput()
  var endpoints: [NamespacedName: UInt32] = [:]
  private var state: UInt64

  /// One packet to or from a pod.
  struct Packet: CustomStringConvertible {
    var direction: PolicyDirection
    var peer: IPv4Address
    var kind: IPProtocol
    var port: UInt16
    /// Unique, so that no packet is taken for a reply.
    var otherPort: UInt16

    var description: String { "\(direction) \(peer) \(kind) \(port)" }

    func ipPacket(pod: IPv4Address) -> IPv4Packet {
      let transport: IPv4Packet.Transport =
        switch kind {
        case .tcp: .tcp(from: otherPort, to: port, flags: .syn)
        case .udp: .udp(from: otherPort, to: port)
        case .sctp: .sctp(from: otherPort, to: port)
        default: .echoRequest(identifier: otherPort)
        }
      return direction == .egress
        ? IPv4Packet(from: pod, to: peer, transport) : IPv4Packet(from: peer, to: pod, transport)
    }
  }

  init(seed: UInt64) {
    state = seed
    input.namespaces = ["blue": ["team": "a"], "green": ["team": "b"]]
    input.nodes = [
      PolicyNode(name: "n1", addresses: [.v4(IPv4Address(192, 168, 0, 1))]),
      PolicyNode(name: "n2", addresses: [.v4(IPv4Address(192, 168, 0, 2))]),
    ]
    for number in UInt8(1)...8 {
      let key = NamespacedName(namespace: pick(["blue", "green"]), name: "p\(number)")
      let node = number <= 5 ? "n1" : "n2"
      input.pods.append(
        PolicyPod(
          key: key, labels: ["app": pick(["x", "y"])], addresses: [.v4(IPv4Address(10, 0, number % 2, number))],
          node: node, ports: [Pod.ContainerPort(name: "http", containerPort: pick([80, 8080]))]))
      if node == "n1" { endpoints[key] = UInt32(number) }
    }
    for number in 0..<5 { addPolicy(number) }
  }

  private mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }

  private mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int(next() % UInt64(choices.count))]
  }

  private mutating func peers() -> [NetworkPolicy.Peer] {
    let app = LabelSelector(matchLabels: ["app": pick(["x", "y"])])
    let team = LabelSelector(matchLabels: ["team": pick(["a", "b"])])
    var peers: [[NetworkPolicy.Peer]] = [
      [.init(podSelector: app)], [.init(namespaceSelector: team)], [.init(podSelector: app, namespaceSelector: team)],
      [],
    ]
    if let wide = IPCIDR("10.0.0.0/16"), let hole = IPCIDR("10.0.1.0/24"), let world = IPCIDR("203.0.113.0/24") {
      peers.append([.init(ipBlock: .init(cidr: wide, except: [hole])), .init(podSelector: app)])
      peers.append([.init(ipBlock: .init(cidr: world))])
    }
    return pick(peers)
  }

  private mutating func ports() -> [NetworkPolicy.Port] {
    pick([
      [], [.init(port: 80)], [.init(port: "http")], [.init(port: 1000, endPort: 9000), .init(protocol: .udp)],
      [.init(protocol: .sctp, port: 80), .init(protocol: .udp, port: 53)],
    ])
  }

  private mutating func addPolicy(_ number: Int) {
    var spec = NetworkPolicy.Spec(podSelector: LabelSelector(matchLabels: ["app": pick(["x", "y"])]))
    spec.policyTypes = pick([[.ingress], [.egress], [.ingress, .egress]])
    spec.ingress = [.init(ports: ports(), from: peers()), .init(ports: [.init(port: 443)], from: peers())]
    spec.egress = [.init(ports: ports(), to: peers()), .init(ports: [.init(port: 443)], to: peers())]
    let metadata = ObjectMeta(name: "policy-\(number)", namespace: pick(["blue", "green"]))
    input.networkPolicies.append(NetworkPolicy(metadata: metadata, spec: spec))
  }

  /// Packets between a pod and everyone else.
  func packets(of pod: IPv4Address) -> [Packet] {
    var peers = input.pods.flatMap(\.addresses) + input.nodes.flatMap(\.addresses)
    peers += [.v4(IPv4Address(203, 0, 113, 9)), .v4(IPv4Address(10, 0, 0, 200)), .v4(IPv4Address(10, 0, 1, 200))]
    let probes: [(IPProtocol, [UInt16])] = [
      (.tcp, [80, 443, 999, 1000, 8080, 9000, 9001]), (.udp, [53, 5000]), (.sctp, [80, 81]), (.icmp, [0]),
    ]
    var packets: [Packet] = []
    for peer in peers {
      guard case .v4(let address) = peer else { continue }
      for (kind, ports) in probes {
        for port in ports {
          for direction in PolicyDirection.allCases {
            packets.append(
              Packet(
                direction: direction, peer: address, kind: kind, port: port,
                otherPort: UInt16(20000 + packets.count)))
          }
        }
      }
    }
    return packets
  }
}
