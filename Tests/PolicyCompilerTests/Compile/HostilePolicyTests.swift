// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import PolicyTestSupport
import SeededRandom
import Testing

/// Policies whose blocks, peers and ports multiply where a compiler is not careful.
@Suite("Hostile policies")
struct HostilePolicyTests {
  /// The shapes, each made in any size.
  enum Shape: CaseIterable {
    /// Everything but one address, again and again.
    case exceptions
    /// The same with ports of two hundred kinds.
    case exceptionsWithPorts
    /// The same beside pods, which are in the holes.
    case exceptionsAndPods
    /// The same with a port name, which means something else at each pod.
    case exceptionsWithNames
    /// Rules of administrators about one network each.
    case networks
    /// The same, with blocks that nest and ports.
    case nestedNetworks
    /// Blocks that nest as deep as an address is long.
    case nested
    /// Very many rules about few pods.
    case rules
    /// Policies with blocks of their own beside pods: each of the pods has to do with all of the policies but one.
    case blocksAndPods
  }

  static func block(_ number: UInt32, _ length: Int = 32) -> IPCIDR {
    IPCIDR(address: .v4(IPv4Address(rawValue: number)), prefixLength: length)
      ?? IPCIDR(host: .v4(IPv4Address(rawValue: number)))
  }

  static func policy(_ spec: NetworkPolicy.Spec, _ name: String = "n") -> NetworkPolicy {
    NetworkPolicy(metadata: ObjectMeta(name: name, namespace: "shop"), spec: spec)
  }

  private static func admin(_ rules: [ClusterPolicy.Rule]) -> ClusterPolicyObject {
    let spec = ClusterPolicy.Spec(
      tier: .admin, priority: 1, subject: .namespaces(LabelSelector()), ingress: rules, egress: rules)
    return .cluster(ClusterNetworkPolicy(metadata: ObjectMeta(name: "c"), spec: spec))
  }

  static func input(_ shape: Shape, _ count: Int) -> PolicyInput {
    var random = SeededGenerator(seed: 5)
    var input = PolicyInput(namespaces: ["shop": [:]])
    input.pods = (0..<20).map { number in
      PolicyPod(
        key: NamespacedName(namespace: "shop", name: "p\(number)"),
        labels: ["app": "a\(number % 5)", "x\(number / 4)": ""],
        addresses: [.v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32(number)))],
        ports: [.init(name: "http", containerPort: Int32(8000 + number % 3))])
    }
    let all = block(0, 0)
    let peers = (0..<count).map { number in
      NetworkPolicy.Peer(ipBlock: .init(cidr: all, except: [block(0x0A00_0000 + UInt32(number) * 2)]))
    }
    let actions = ClusterPolicy.Action.allCases
    func port(_ number: Int) -> ClusterPolicy.Ports { .range(.tcp, UInt16(1 + number)...UInt16(1 + number)) }
    switch shape {
    case .exceptions: input.networkPolicies = [policy(.init(ingress: [.init(from: peers)]))]
    case .exceptionsWithPorts:
      input.networkPolicies = [
        policy(
          .init(
            ingress: peers.enumerated().map { number, peer in
              .init(ports: [.init(port: .int(Int32(1 + number % 200)))], from: [peer])
            }))
      ]
    case .exceptionsAndPods:
      let pods = (0..<5).map { NetworkPolicy.Peer(podSelector: LabelSelector(matchLabels: ["app": "a\($0)"])) }
      let some = NetworkPolicy.IngressRule(ports: [.init(port: 81)], from: pods)
      input.networkPolicies = [policy(.init(ingress: [.init(ports: [.init(port: 80)], from: peers), some]))]
    case .exceptionsWithNames:
      input.networkPolicies = [
        policy(
          .init(
            egress: peers.enumerated().map { number, peer in
              .init(ports: [.init(port: "http"), .init(port: .int(Int32(1 + number % 20)))], to: [peer])
            }, policyTypes: [.egress]))
      ]
    case .networks:
      input.clusterPolicies = [
        admin((0..<count).map { .init(action: actions[$0 % 3], peers: [.networks([block(UInt32($0) << 8, 24)])]) })
      ]
    case .nestedNetworks:
      input.clusterPolicies = [
        admin(
          (0..<count).map { number in
            let inner = block(0x0A00_0000 + UInt32(random.number(0...4000)), random.number(8...32)).masked
            return .init(action: actions[number % 3], peers: [.networks([inner])], ports: [port(number % 300)])
          })
      ]
    case .nested:
      var blocks: [IPCIDR] = []
      while blocks.count < count {
        let (high, low) = (UInt64(random.number(0...Int(Int32.max))) << 33, UInt64(random.number(0...Int(Int32.max))))
        for length in 1...128 {
          guard let block = IPCIDR(address: .v6(IPv6Address(high: high, low: low)), prefixLength: length) else {
            continue
          }
          blocks.append(block.masked)
        }
      }
      input.networkPolicies = [
        policy(.init(ingress: [.init(from: blocks.prefix(count).map { .init(ipBlock: .init(cidr: $0)) })]))
      ]
    case .blocksAndPods:
      input.networkPolicies = (0..<5).map { policy in
        let pods = LabelSelector(matchExpressions: [.init(key: "x\(policy)", operator: .doesNotExist)])
        let blocks = (0..<(count / 5)).map { number in
          NetworkPolicy.Peer(ipBlock: .init(cidr: Self.block(0x0A00_0000 + UInt32(number * 5 + policy))))
        }
        return Self.policy(
          .init(
            podSelector: LabelSelector(matchLabels: ["app": "a\(policy)"]),
            ingress: [
              .init(ports: [.init(port: 1, endPort: 200)], from: blocks),
              .init(ports: [.init(port: 150, endPort: 300)], from: [.init(podSelector: pods)]),
            ]), "n\(policy)")
      }
    case .rules:
      input.clusterPolicies = [
        admin(
          (0..<count).map { number in
            let pods = LabelSelector(matchLabels: ["app": "a\(number % 5)"])
            return .init(
              action: actions[number % 3],
              peers: [.pods(.init(namespaceSelector: LabelSelector(), podSelector: pods))], ports: [port(number % 500)])
          })
      ]
    }
    return input
  }

  @Test(arguments: Shape.allCases) func `small ones say what the evaluator says`(_ shape: Shape) async {
    let input = Self.input(shape, 150)
    let compiled = CompiledPolicy(input)
    let evaluator = PolicyEvaluator(input)
    #expect(compiled.tables.defects().isEmpty)
    #expect(compiled.excesses.isEmpty)
    var random = SeededGenerator(seed: 8)
    for number in 0..<3000 {
      if number % 256 == 0 { await Task.yield() }
      let pod = PolicyEnd.pod(random.pick(input.pods).key)
      let address = UInt32(random.number(0...400))
      let other =
        random.chance(50)
        ? PolicyEnd.pod(random.pick(input.pods).key)
        : .address(.v4(IPv4Address(rawValue: random.chance(70) ? 0x0A00_0000 + address : address << 8)))
      let isFrom = random.chance(50)
      let probe = PolicyProbe(
        from: isFrom ? pod : other, to: isFrom ? other : pod, protocol: random.pick([.tcp, .udp, .icmp]),
        port: random.chance(30) ? UInt16(8000 + random.number(0...3)) : UInt16(random.number(1...350)))
      #expect(compiled.answer(probe) == evaluator.answer(probe), "\(probe)")
    }
  }

  @Test(arguments: Shape.allCases) func `twice as many take about twice the steps`(_ shape: Shape) async {
    let (half, full) = (CompiledPolicy(Self.input(shape, 1500)), CompiledPolicy(Self.input(shape, 3000)))
    #expect(half.steps > 0)
    #expect(full.steps < 3 * half.steps, "\(half.steps), \(full.steps)")
    #expect(full.steps < 3000 * 2000, "\(full.steps)")
  }

  @Test func `a change of one pod asks a large rule set once, whatever it says`() throws {
    var compiled = CompiledPolicy(Self.input(.exceptionsAndPods, 3000))
    let before = compiled.steps
    let pod = PolicyPod(
      key: NamespacedName(namespace: "shop", name: "new"), labels: ["app": "a1"],
      addresses: [.v4(IPv4Address(10, 0, 1, 0))])
    compiled.apply([.pod(pod.key, pod)])
    #expect(compiled.steps - before < 3 * 3000)
    var input = Self.input(.exceptionsAndPods, 3000)
    input.pods.append(pod)
    #expect(compiled.statistics == CompiledPolicy(input).statistics)
  }

  @Test func `a selector that repeats itself says it once`() {
    let conditions = (0..<2000).map { _ in LabelSelector.Requirement(key: "app", operator: .isIn, values: ["a1", "a2"])
    }
    let none = (0..<2000).map { _ in LabelSelector.Requirement(key: "app", operator: .isNotIn, values: ["a3", "a4"]) }
    var input = Self.input(.exceptions, 1)
    var compiled = CompiledPolicy(input)
    let before = compiled.footprint
    let peer = NetworkPolicy.Peer(podSelector: LabelSelector(matchExpressions: conditions + none))
    let policy = Self.policy(.init(ingress: [.init(ports: [.init(port: 7)], from: [peer])]), "selector")
    compiled.apply([.networkPolicy(policy.key, policy)])
    input.networkPolicies = [policy]
    let alone = CompiledPolicy(input)
    #expect(alone.statistics.peers == 8)
    compiled.apply([.networkPolicy(policy.key, nil)])
    #expect(compiled.footprint == before)
  }
}
