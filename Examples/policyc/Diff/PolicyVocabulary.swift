// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// Everything by which policies tell ends and ports apart.
struct PolicyVocabulary {
  /// A selection of pods.
  struct Term: Hashable {
    /// nil: any namespace.
    var namespace: String?
    var namespaceSelector: LabelSelector?
    var podSelector: LabelSelector?

    func matches(_ pod: PolicyPod, _ namespaceLabels: [String: String]) -> Bool {
      (namespace.map { $0 == pod.key.namespace } ?? true) && (namespaceSelector?.matches(namespaceLabels) ?? true)
        && (podSelector?.matches(pod.labels) ?? true)
    }
  }

  private(set) var terms: [Term] = []
  private(set) var nodeSelectors: [LabelSelector] = []
  private(set) var portNames: Set<String> = []
  /// Without bits after the prefix; IPv4 first, a block before those inside of it.
  ///
  /// The blocks of everything are always there.
  private(set) var blocks: [IPCIDR] = []
  /// Classes of ports.
  private(set) var ports: [PortClass] = []
  /// The blocks by family and length, for the smallest one around an address.
  private var byLength: [Length: Set<IPCIDR>] = [:]
  private var lengths: [AddressFamily: [Int]] = [:]

  private struct Length: Hashable {
    var family: AddressFamily
    var bits: Int
  }

  init(_ inputs: [PolicyInput]) {
    var collector = VocabularyCollector()
    for input in inputs { collector.add(input) }
    terms = Array(collector.terms)
    nodeSelectors = Array(collector.nodeSelectors)
    portNames = collector.portNames
    for input in inputs.prefix(1) { collector.resolveNames(input) }
    ports = PortClass.all(collector.ranges)
    for text in ["0.0.0.0/0", "::/0"] {
      if let everything = IPCIDR(text) { collector.blocks.insert(everything) }
    }
    blocks = collector.blocks.sorted { left, right in
      left.family != right.family
        ? left.family == .ipv4
        : (left.address, left.prefixLength) < (right.address, right.prefixLength)
    }
    for block in blocks { byLength[Length(family: block.family, bits: block.prefixLength), default: []].insert(block) }
    for family in AddressFamily.allCases {
      lengths[family] = Set(blocks.filter { $0.family == family }.map(\.prefixLength)).sorted(by: >)
    }
  }

  /// The smallest block around an address.
  func block(around address: IPAddress) -> IPCIDR {
    for bits in lengths[address.family] ?? [] {
      guard let block = IPCIDR(address: address, prefixLength: bits)?.masked else { continue }
      if byLength[Length(family: address.family, bits: bits)]?.contains(block) ?? false { return block }
    }
    return IPCIDR(host: address)
  }

  /// An address whose smallest block this is, and that is not one of the others.
  func address(onlyIn block: IPCIDR, without owned: Set<IPAddress>) -> IPAddress? {
    // Beside each smaller block inside of it; and the second address of a block looks most natural.
    var candidates = [block.network.next ?? block.network, block.network, block.last]
    for inner in blocks where inner.prefixLength > block.prefixLength && block.contains(inner.address) {
      candidates += [inner.last.next, inner.network.previous].compactMap { $0 }
    }
    for candidate in candidates {
      var address = candidate
      // Past the pods that are there; there are no more than that many.
      for _ in 0...owned.count {
        guard block.contains(address), self.block(around: address) == block else { break }
        if !owned.contains(address) { return address }
        guard let next = address.next else { break }
        address = next
      }
    }
    return nil
  }
}

/// Goes through policies and notes what they name.
private struct VocabularyCollector {
  var terms: Set<PolicyVocabulary.Term> = []
  var nodeSelectors: Set<LabelSelector> = []
  var portNames: Set<String> = []
  var blocks: Set<IPCIDR> = []
  var ranges: [TransportProtocol: Set<ClosedRange<UInt16>>] = [:]

  mutating func add(_ input: PolicyInput) {
    for policy in input.networkPolicies {
      let namespace = policy.metadata.namespace
      terms.insert(.init(namespace: namespace, podSelector: policy.spec.podSelector))
      for rule in policy.spec.ingress { add(rule.from, rule.ports, namespace) }
      for rule in policy.spec.egress { add(rule.to, rule.ports, namespace) }
    }
    for policy in input.clusterPolicies {
      switch policy.spec.subject {
      case .namespaces(let selector): terms.insert(.init(namespaceSelector: selector))
      case .pods(let pods): add(pods)
      }
      for rule in policy.spec.ingress + policy.spec.egress { add(rule) }
    }
  }

  private mutating func add(_ peers: [NetworkPolicy.Peer], _ ports: [NetworkPolicy.Port], _ namespace: String) {
    for peer in peers {
      if let block = peer.ipBlock {
        blocks.insert(block.cidr.masked)
        blocks.formUnion(block.except.map(\.masked))
      } else {
        terms.insert(
          .init(
            namespace: peer.namespaceSelector == nil ? namespace : nil, namespaceSelector: peer.namespaceSelector,
            podSelector: peer.podSelector))
      }
    }
    for port in ports {
      switch port.port {
      case .int(let first):
        guard let first = UInt16(exactly: first), let last = UInt16(exactly: port.endPort ?? Int32(first)),
          first <= last
        else { continue }
        ranges[port.protocol, default: []].insert(first...last)
      case .string(let name): portNames.insert(name)
      case nil: break
      }
    }
  }

  private mutating func add(_ pods: ClusterPolicy.PodSelector) {
    terms.insert(.init(namespaceSelector: pods.namespaceSelector, podSelector: pods.podSelector))
  }

  private mutating func add(_ rule: ClusterPolicy.Rule) {
    for peer in rule.peers {
      switch peer {
      case .namespaces(let selector): terms.insert(.init(namespaceSelector: selector))
      case .pods(let pods): add(pods)
      case .nodes(let selector): nodeSelectors.insert(selector)
      case .networks(let networks): blocks.formUnion(networks.map(\.masked))
      case .domainNames, .unknown: break
      }
    }
    for ports in rule.ports ?? [] {
      switch ports {
      case .range(let transport, let range): ranges[transport, default: []].insert(range)
      case .named(let name): portNames.insert(name)
      }
    }
  }

  /// Names are what the pods say.
  mutating func resolveNames(_ input: PolicyInput) {
    for pod in input.pods where !pod.isHostNetwork {
      for port in pod.ports {
        guard let name = port.name, portNames.contains(name), let number = UInt16(exactly: port.containerPort) else {
          continue
        }
        ranges[port.protocol, default: []].insert(number...number)
      }
    }
  }
}

extension IPAddress {
  /// The next address; nil after the last.
  var next: IPAddress? {
    switch self {
    case .v4(let address):
      return address.rawValue == .max ? nil : .v4(IPv4Address(rawValue: address.rawValue + 1))
    case .v6(let address):
      if address.low < .max { return .v6(IPv6Address(high: address.high, low: address.low + 1)) }
      return address.high == .max ? nil : .v6(IPv6Address(high: address.high + 1, low: 0))
    }
  }

  /// The address before; nil before the first.
  var previous: IPAddress? {
    switch self {
    case .v4(let address):
      return address.rawValue == 0 ? nil : .v4(IPv4Address(rawValue: address.rawValue - 1))
    case .v6(let address):
      if address.low > 0 { return .v6(IPv6Address(high: address.high, low: address.low - 1)) }
      return address.high == 0 ? nil : .v6(IPv6Address(high: address.high - 1, low: .max))
    }
  }
}

extension IPCIDR {
  /// The block's last address.
  var last: IPAddress {
    switch address {
    case .v4(let value): IPv4CIDR(address: value, prefixLength: prefixLength).map { .v4($0.last) } ?? address
    case .v6(let value): IPv6CIDR(address: value, prefixLength: prefixLength).map { .v6($0.last) } ?? address
    }
  }
}
