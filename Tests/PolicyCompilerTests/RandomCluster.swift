// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

  mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: 0..<choices.count, using: &self)]
  }
}

/// A small cluster with policies that touch each other in many ways, made from a seed.
struct RandomCluster {
  var input = PolicyInput()
  var probes: [PolicyProbe] = []
  private var random: SeededGenerator

  private static let keys = ["app", "tier", "zone"]
  private static let values = ["a", "b", "c"]
  private static let portNames = ["http", "dns", "metrics"]
  private static let ports: [UInt16] = [1, 53, 79, 80, 81, 443, 8080, 8081, 9000, 65535]

  init(seed: UInt64, probes count: Int) {
    random = SeededGenerator(seed: seed)
    for name in ["blue", "green", "red"] { input.namespaces[name] = labels() }
    for number in 1...3 {
      let addresses = [address("192.168.0.\(number)"), address("fd01::\(number)")]
      input.nodes.append(PolicyNode(name: "n\(number)", labels: labels(), addresses: addresses.compactMap { $0 }))
    }
    for number in 1...12 { addPod(number) }
    for number in 0..<Int.random(in: 1...7, using: &random) { addPolicy(number) }
    for _ in 0..<count { self.probes.append(probe()) }
  }

  private func address(_ text: String) -> IPAddress? { IPAddress(text) }

  private mutating func labels() -> [String: String] {
    var labels: [String: String] = [:]
    for key in Self.keys where random.chance(60) { labels[key] = random.pick(Self.values) }
    return labels
  }

  private mutating func addPod(_ number: Int) {
    let isHost = random.chance(15)
    let node = random.chance(90) ? random.pick(input.nodes) : nil
    let texts = ["10.0.\(number % 3).\(number)", "fd00::\(number % 3):\(number)"]
    var addresses = texts.compactMap { address($0) }
    if random.chance(30) { addresses.removeLast() }
    if random.chance(20) { addresses.reverse() }
    if isHost, let node { addresses = node.addresses }
    var ports: [Pod.ContainerPort] = []
    for name in Self.portNames where random.chance(50) {
      for _ in 0..<(random.chance(20) ? 2 : 1) {
        ports.append(
          Pod.ContainerPort(
            name: name, containerPort: Int32(random.pick(Self.ports)),
            protocol: random.chance(70) ? .tcp : random.pick(TransportProtocol.allCases)))
      }
    }
    let key = NamespacedName(namespace: random.pick(["blue", "green", "red"]), name: "p\(number)")
    input.pods.append(
      PolicyPod(
        key: key, labels: labels(), addresses: addresses, node: node?.name, isHostNetwork: isHost, ports: ports))
  }

  private mutating func selector() -> LabelSelector {
    var selector = LabelSelector()
    if random.chance(40) { selector.matchLabels[random.pick(Self.keys)] = random.pick(Self.values) }
    if random.chance(40) {
      let relation = random.pick(LabelSelector.Operator.allCases)
      var values: [String] = []
      if relation == .isIn || relation == .isNotIn {
        values = (0..<Int.random(in: 1...2, using: &random)).map { _ in random.pick(Self.values) }
      }
      selector.matchExpressions.append(.init(key: random.pick(Self.keys), operator: relation, values: values))
    }
    return selector
  }

  private mutating func peer() -> NetworkPolicy.Peer {
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<2: return NetworkPolicy.Peer(podSelector: selector())
    case 2..<4: return NetworkPolicy.Peer(namespaceSelector: selector())
    case 4..<6: return NetworkPolicy.Peer(podSelector: selector(), namespaceSelector: selector())
    default:
      let blocks = [
        ("10.0.0.0/8", ["10.0.1.0/24", "10.0.2.8/29"]), ("10.0.1.0/24", ["10.0.1.4/32"]),
        ("0.0.0.0/0", ["10.0.0.0/16"]), ("0.0.0.0/0", []), ("192.168.0.0/24", ["192.168.0.2/32"]),
        ("203.0.113.77/25", []), ("::/0", ["fd00::/16"]),
        ("fd00::/112", []), ("10.0.0.3/32", []), ("fd00::/32", ["fd00::1:0/112"]),
      ]
      let (cidr, holes) = random.pick(blocks)
      guard let block = IPCIDR(cidr) else { return NetworkPolicy.Peer(podSelector: LabelSelector()) }
      let except = holes.compactMap { IPCIDR($0) }.filter { _ in random.chance(70) }
      return NetworkPolicy.Peer(ipBlock: NetworkPolicy.IPBlock(cidr: block, except: except))
    }
  }

  private mutating func port() -> NetworkPolicy.Port {
    let transport = random.chance(60) ? TransportProtocol.tcp : random.pick(TransportProtocol.allCases)
    switch Int.random(in: 0..<10, using: &random) {
    case 0: return NetworkPolicy.Port(protocol: transport)
    case 1..<4: return NetworkPolicy.Port(protocol: transport, port: .string(random.pick(Self.portNames)))
    case 4..<7: return NetworkPolicy.Port(protocol: transport, port: .int(Int32(random.pick(Self.ports))))
    default:
      let first = Int32(random.pick(Self.ports))
      let last = Int32.random(in: first...min(65535, first + 9000), using: &random)
      return NetworkPolicy.Port(protocol: transport, port: .int(first), endPort: last)
    }
  }

  private mutating func addPolicy(_ number: Int) {
    var spec = NetworkPolicy.Spec(podSelector: random.chance(40) ? LabelSelector() : selector())
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      spec.ingress.append(.init(ports: list { $0.port() }, from: list { $0.peer() }))
    }
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      spec.egress.append(.init(ports: list { $0.port() }, to: list { $0.peer() }))
    }
    spec.policyTypes = random.pick([[], [.ingress], [.egress], [.ingress, .egress]])
    let namespace = random.pick(["blue", "green", "red"])
    input.networkPolicies.append(
      NetworkPolicy(metadata: ObjectMeta(name: "policy-\(number)", namespace: namespace), spec: spec))
  }

  private mutating func list<Element>(_ make: (inout RandomCluster) -> Element) -> [Element] {
    let count = Int.random(in: 0...3, using: &random)
    return (0..<count).map { _ in make(&self) }
  }

  private mutating func end() -> PolicyEnd {
    if random.chance(70) { return .pod(random.pick(input.pods).key) }
    let texts = [
      "203.0.113.9", "203.0.113.200", "10.0.1.4", "10.0.1.77", "10.0.2.9", "192.168.0.1", "192.168.0.2", "192.168.0.3",
      "8.8.8.8", "fd00::1:1", "fd00::7", "fd01::1", "2001:db8::1", "10.0.0.3",
    ]
    return IPAddress(random.pick(texts)).map { .address($0) } ?? .pod(random.pick(input.pods).key)
  }

  private mutating func probe() -> PolicyProbe {
    let kind = random.pick([IPProtocol.tcp, .tcp, .tcp, .udp, .sctp, .icmp])
    var port = random.chance(70) ? random.pick(Self.ports) : UInt16.random(in: 1...65535, using: &random)
    if kind == .icmp { port = 0 }
    return PolicyProbe(from: end(), to: end(), protocol: kind, port: port)
  }
}
