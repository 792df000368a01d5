// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// A peer of a rule.
enum PeerForm: Hashable, Sendable {
  case any
  case element(UInt32)
  /// Numbers of blocks.
  case block(UInt32, except: [UInt32])
}

/// A rule, free of the policy it stands in.
struct RuleForm: Hashable, Sendable {
  var action: ClusterPolicy.Action
  /// Numbers of peers, sorted; without any the rule matches nothing.
  var peers: [UInt32]
  /// The number of its ports.
  var ports: UInt32
}

/// A policy in the compiler's terms.
struct PolicyRecord: Sendable {
  var reference: PolicyReference
  var stage: PolicyStage
  var priority: Int32 = 0
  /// The element of the pods it is for.
  var subject: UInt32
  /// The rules at the positions they have in the manifest; nil where the policy is not for the direction.
  var ingress: [RuleForm]?
  var egress: [RuleForm]?
  /// Whether rules for ingress name ports: then the pod's own ports matter.
  var hasIngressNames = false

  func rules(_ direction: PolicyDirection) -> [RuleForm]? { direction == .ingress ? ingress : egress }

  var traits: PolicyTraits {
    PolicyTraits(
      stage: stage, isForIngress: ingress != nil, isForEgress: egress != nil, hasIngressNames: hasIngressNames)
  }
}

/// Which pods' stages a policy is in, besides its subject.
struct PolicyTraits: Hashable, Sendable {
  var stage = PolicyStage.policy
  var isForIngress = false
  var isForEgress = false
  var hasIngressNames = false
}

extension CompilerState {
  // What a policy says, with everything it refers to held.

  mutating func record(_ policy: NetworkPolicy) -> PolicyRecord {
    let namespace = policy.metadata.namespace
    let types = policy.spec.effectivePolicyTypes
    let subject = holdPods(scope: holdScope(named: namespace), policy.spec.podSelector)
    var record = PolicyRecord(
      reference: PolicyReference(.networkPolicy, policy.metadata.key), stage: .policy, subject: subject)
    if types.contains(.ingress) {
      record.ingress = policy.spec.ingress.map { form($0.ports, $0.from, namespace: namespace) }
    }
    if types.contains(.egress) {
      record.egress = policy.spec.egress.map { form($0.ports, $0.to, namespace: namespace) }
    }
    record.hasIngressNames = record.ingress?.contains { !ports[$0.ports].names.isEmpty } ?? false
    return record
  }

  mutating func record(_ policy: ClusterPolicyObject) -> PolicyRecord {
    let spec = policy.spec
    let subject: UInt32
    switch spec.subject {
    case .namespaces(let selector): subject = holdPods(scope: holdScope(selected: selector), LabelSelector())
    case .pods(let selector):
      subject = holdPods(scope: holdScope(selected: selector.namespaceSelector), selector.podSelector)
    }
    var record = PolicyRecord(
      reference: policy.reference, stage: spec.tier == .admin ? .admin : .baseline, priority: spec.priority,
      subject: subject)
    if !spec.ingress.isEmpty { record.ingress = spec.ingress.map { form($0) } }
    if !spec.egress.isEmpty { record.egress = spec.egress.map { form($0) } }
    record.hasIngressNames = record.ingress?.contains { !ports[$0.ports].names.isEmpty } ?? false
    return record
  }

  mutating func release(_ policy: PolicyRecord) {
    releaseElement(policy.subject)
    for rule in (policy.ingress ?? []) + (policy.egress ?? []) { releaseParts(rule) }
  }

  private mutating func form(
    _ ports: [NetworkPolicy.Port], _ peers: [NetworkPolicy.Peer], namespace: String
  ) -> RuleForm {
    var forms = peers.map { peer -> PeerForm in
      if let block = peer.ipBlock { return holdBlock(block.cidr, except: block.except) }
      let scope = peer.namespaceSelector.map { holdScope(selected: $0) } ?? holdScope(named: namespace)
      return .element(holdPods(scope: scope, peer.podSelector ?? LabelSelector()))
    }
    if peers.isEmpty { forms = [.any] }
    var spec = PortSpec()
    spec.isAll = ports.isEmpty
    for port in ports {
      switch port.port {
      case nil: spec.spans.append(PortSpec.span(port.protocol, 0, UInt16.max))
      case .int(let first):
        guard let low = UInt16(exactly: first), let high = UInt16(exactly: port.endPort ?? first), low <= high else {
          continue
        }
        spec.spans.append(PortSpec.span(port.protocol, low, high))
      case .string(let name): spec.names.append(holdName(name, port.protocol.position))
      }
    }
    return RuleForm(action: .accept, peers: hold(forms), ports: hold(spec))
  }

  private mutating func form(_ rule: ClusterPolicy.Rule) -> RuleForm {
    let isUnknown = rule.peers.contains { if case .unknown = $0 { true } else { false } }
    if isUnknown, rule.action != .accept {
      return RuleForm(action: .deny, peers: hold([.any]), ports: hold(.all))
    }
    var forms: [PeerForm] = []
    for peer in rule.peers {
      switch peer {
      case .namespaces(let selector):
        forms.append(.element(holdPods(scope: holdScope(selected: selector), LabelSelector())))
      case .pods(let selector):
        forms.append(
          .element(holdPods(scope: holdScope(selected: selector.namespaceSelector), selector.podSelector)))
      case .nodes(let selector): forms.append(.element(holdNodes(selector)))
      case .networks(let blocks): forms += blocks.map { holdBlock($0, except: []) }
      case .domainNames, .unknown: break
      }
    }
    var spec = PortSpec()
    spec.isAll = rule.ports == nil
    for ports in rule.ports ?? [] {
      switch ports {
      case .range(let transport, let range):
        spec.spans.append(PortSpec.span(transport, range.lowerBound, range.upperBound))
      case .named(let name): spec.names.append(holdName(name, PortSpec.anyTransport))
      }
    }
    return RuleForm(action: rule.action, peers: hold(forms), ports: hold(spec))
  }

  private mutating func holdName(_ name: String, _ transport: UInt8) -> PortSpec.Name {
    PortSpec.Name(element: holdElement(.portName(name)), transport: transport)
  }

  private mutating func holdBlock(_ block: IPCIDR, except: [IPCIDR]) -> PeerForm {
    var holes: [IPCIDR] = []
    for hole in except.map(\.masked).sorted(by: precedes) where holes.last?.contains(hole) != true {
      holes.append(hole)
    }
    return .block(blocks.hold(block.masked).number, except: holes.map { blocks.hold($0).number }.sorted())
  }

  // Holding and releasing. A new value keeps what was held for it; for a value that is there already, that is let go.

  mutating func hold(_ forms: [PeerForm]) -> [UInt32] {
    var numbers: [UInt32] = []
    numbers.reserveCapacity(forms.count)
    for form in forms {
      let (number, isNew) = peers.hold(form)
      if !isNew { releaseParts(form) }
      numbers.append(number)
    }
    numbers.sort()
    var kept: [UInt32] = []
    for number in numbers {
      if number == kept.last { releasePeer(number) } else { kept.append(number) }
    }
    return kept
  }

  mutating func releasePeer(_ number: UInt32) {
    if let form = peers.release(number) { releaseParts(form) }
  }

  private mutating func releaseParts(_ form: PeerForm) {
    switch form {
    case .any: break
    case .element(let element): releaseElement(element)
    case .block(let block, let except):
      _ = blocks.release(block)
      for hole in except { _ = blocks.release(hole) }
    }
  }

  /// Takes over the holds on the names of a specification.
  mutating func hold(_ spec: PortSpec) -> UInt32 {
    var normal = spec
    normal.normalise()
    let (number, isNew) = ports.hold(normal)
    if isNew { for name in normal.names { elements.hold(number: name.element) } }
    for name in spec.names { releaseElement(name.element) }
    return number
  }

  mutating func releasePorts(_ number: UInt32) {
    if let spec = ports.release(number) { for name in spec.names { releaseElement(name.element) } }
  }

  mutating func holdParts(_ rule: RuleForm) {
    for peer in rule.peers { peers.hold(number: peer) }
    ports.hold(number: rule.ports)
  }

  mutating func releaseParts(_ rule: RuleForm) {
    for peer in rule.peers { releasePeer(peer) }
    releasePorts(rule.ports)
  }

  /// Holds a rule and, if it is new, its parts.
  mutating func hold(_ rule: RuleForm) -> UInt32 {
    let (number, isNew) = rules.hold(rule)
    if isNew { holdParts(rule) }
    return number
  }

  mutating func releaseRule(_ number: UInt32) {
    if let rule = rules.release(number) { releaseParts(rule) }
  }
}
