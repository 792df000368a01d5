// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
internal import PolicyCompiler
internal import SeededRandom

extension RandomCluster {
  mutating func newNetworkPolicy() -> NetworkPolicy {
    var spec = NetworkPolicy.Spec(podSelector: selector())
    for _ in 0..<random.number(0...3) {
      spec.ingress.append(.init(ports: list { $0.port() }, from: list { $0.networkPeer() }))
    }
    for _ in 0..<random.number(0...3) {
      spec.egress.append(.init(ports: list { $0.port() }, to: list { $0.networkPeer() }))
    }
    spec.policyTypes = random.pick([[], [.ingress], [.egress], [.ingress, .egress]])
    // One namespace that no pod is in.
    let namespace = random.chance(5) ? "nowhere" : random.pick(Self.namespaces)
    return NetworkPolicy(metadata: ObjectMeta(name: "policy-\(serial())", namespace: namespace), spec: spec)
  }

  private mutating func networkPeer() -> NetworkPolicy.Peer {
    switch random.number(0...9) {
    case 0...1: return NetworkPolicy.Peer(podSelector: selector())
    case 2...3: return NetworkPolicy.Peer(namespaceSelector: selector())
    case 4...5: return NetworkPolicy.Peer(podSelector: selector(), namespaceSelector: selector())
    default:
      let cidr = block()
      let except = list { $0.block(inside: cidr) }.compactMap { $0 }
      return NetworkPolicy.Peer(ipBlock: NetworkPolicy.IPBlock(cidr: cidr, except: except))
    }
  }

  private mutating func port() -> NetworkPolicy.Port {
    let transport = random.chance(60) ? TransportProtocol.tcp : random.pick(TransportProtocol.allCases)
    switch random.number(0...9) {
    case 0: return NetworkPolicy.Port(protocol: transport)
    case 1...3: return NetworkPolicy.Port(protocol: transport, port: .string(random.pick(Self.portNames)))
    case 4...6: return NetworkPolicy.Port(protocol: transport, port: .int(Int32(random.pick(Self.ports))))
    default:
      let range = portRange()
      return NetworkPolicy.Port(
        protocol: transport, port: .int(Int32(range.lowerBound)), endPort: Int32(range.upperBound))
    }
  }

  mutating func portRange() -> ClosedRange<UInt16> {
    if random.chance(10) { return 1...65535 }
    let ends = [
      random.pick(Self.ports), random.chance(70) ? random.pick(Self.ports) : UInt16(random.number(1...65535)),
    ]
    return min(ends[0], ends[1])...max(ends[0], ends[1])
  }

  /// None to three of them; none is as good as a list that is missing.
  mutating func list<Element>(_ make: (inout RandomCluster) -> Element) -> [Element] {
    (0..<random.pick([0, 1, 1, 2, 3])).map { _ in make(&self) }
  }
}

// MARK: Blocks of addresses

extension RandomCluster {
  /// An address of a pod, of a node, beside one, or of the outside.
  mutating func address() -> IPAddress {
    let far = ["203.0.113.9", "203.0.113.200", "8.8.8.8", "2001:db8::1", "fd00::1", "10.0.1.77", "192.168.0.99"]
    switch random.number(0...9) {
    case 0...4: return random.pick(random.pick(input.pods.isEmpty ? [newPod()] : input.pods).addresses)
    case 5...6: return random.pick(random.pick(input.nodes).addresses)
    default: return IPAddress(random.pick(far)) ?? .v4(IPv4Address(rawValue: 0))
    }
  }

  /// A block around an address; it may have bits after the prefix.
  mutating func block() -> IPCIDR {
    let address = address()
    let lengths =
      address.family == .ipv4
      ? [0, 8, 16, 23, 24, 27, 28, 30, 31, 32] : [0, 8, 16, 64, 96, 112, 124, 126, 127, 128]
    let block = IPCIDR(address: address, prefixLength: random.pick(lengths)) ?? IPCIDR(host: address)
    return random.chance(70) ? block.masked : block
  }

  /// A smaller block inside of one.
  private mutating func block(inside outer: IPCIDR) -> IPCIDR? {
    for _ in 0..<8 {
      let inner = block().masked
      if inner.family == outer.family, inner.prefixLength > outer.prefixLength, outer.contains(inner.address) {
        return inner
      }
    }
    return nil
  }
}
