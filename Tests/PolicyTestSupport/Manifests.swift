// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
internal import PolicyCompiler

extension LabelSelector {
  fileprivate var json: JSONText {
    JSONText(members: [
      ("matchLabels", matchLabels.isEmpty ? nil : JSONText(matchLabels)),
      (
        "matchExpressions",
        matchExpressions.isEmpty
          ? nil
          : .list(
            matchExpressions.map {
              JSONText(members: [
                ("key", .string($0.key)), ("operator", .string($0.operator.rawValue)),
                ("values", $0.values.isEmpty ? nil : JSONText($0.values)),
              ])
            })
      ),
    ])
  }
}

extension NetworkPolicy {
  var json: JSONText {
    let types = spec.policyTypes.map { JSONText.string($0.rawValue) }
    return [
      "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
      "metadata": ["name": .string(metadata.name), "namespace": .string(metadata.namespace)],
      "spec": JSONText(members: [
        ("podSelector", spec.podSelector.json), ("policyTypes", types.isEmpty ? nil : .list(types)),
        (
          "ingress",
          spec.ingress.isEmpty
            ? nil
            : .list(spec.ingress.map { ["from": .list($0.from.map(\.json)), "ports": .list($0.ports.map(\.json))] })
        ),
        (
          "egress",
          spec.egress.isEmpty
            ? nil : .list(spec.egress.map { ["to": .list($0.to.map(\.json)), "ports": .list($0.ports.map(\.json))] })
        ),
      ]),
    ]
  }
}

extension NetworkPolicy.Peer {
  fileprivate var json: JSONText {
    if let ipBlock {
      return ["ipBlock": ["cidr": .string("\(ipBlock.cidr)"), "except": JSONText(ipBlock.except)]]
    }
    return JSONText(members: [("podSelector", podSelector?.json), ("namespaceSelector", namespaceSelector?.json)])
  }
}

extension NetworkPolicy.Port {
  fileprivate var json: JSONText {
    var port: JSONText?
    switch self.port {
    case .int(let number): port = .number(Int(number))
    case .string(let name): port = .string(name)
    case nil: port = nil
    }
    return JSONText(members: [
      ("protocol", .string(`protocol`.rawValue)), ("port", port), ("endPort", endPort.map { .number(Int($0)) }),
    ])
  }
}

extension ClusterPolicyObject {
  var json: JSONText {
    let (version, name, priority): (String, String, Int?) =
      switch self {
      case .admin(let policy): ("v1alpha1", policy.metadata.name, Int(spec.priority))
      case .baseline(let policy): ("v1alpha1", policy.metadata.name, nil)
      case .cluster(let policy): ("v1alpha2", policy.metadata.name, Int(spec.priority))
      }
    let isOld = version == "v1alpha1"
    return [
      "apiVersion": .string("policy.networking.k8s.io/\(version)"), "kind": .string(reference.kind.rawValue),
      "metadata": ["name": .string(name)],
      "spec": JSONText(members: [
        ("tier", isOld ? nil : .string(spec.tier.rawValue)), ("priority", priority.map { .number($0) }),
        ("subject", spec.subject.json), ("ingress", .list(spec.ingress.map { $0.json("from", isOld) })),
        ("egress", .list(spec.egress.map { $0.json("to", isOld) })),
      ]),
    ]
  }
}

extension ClusterPolicy.Subject {
  fileprivate var json: JSONText {
    switch self {
    case .namespaces(let selector): ["namespaces": selector.json]
    case .pods(let pods): ["pods": pods.json]
    }
  }
}

extension ClusterPolicy.PodSelector {
  fileprivate var json: JSONText {
    ["namespaceSelector": namespaceSelector.json, "podSelector": podSelector.json]
  }
}

extension ClusterPolicy.Rule {
  fileprivate func json(_ peersField: String, _ isOld: Bool) -> JSONText {
    JSONText(members: [
      ("name", name.isEmpty ? nil : .string(name)),
      ("action", .string(isOld && action == .accept ? "Allow" : action.rawValue)),
      (peersField, .list(peers.map(\.json))),
      (isOld ? "ports" : "protocols", ports.map { .list($0.map { isOld ? $0.oldJSON : $0.json }) }),
    ])
  }
}

extension ClusterPolicy.Peer {
  fileprivate var json: JSONText {
    switch self {
    case .namespaces(let selector): ["namespaces": selector.json]
    case .pods(let pods): ["pods": pods.json]
    case .nodes(let selector): ["nodes": selector.json]
    case .networks(let blocks): ["networks": JSONText(blocks)]
    case .domainNames(let names): ["domainNames": JSONText(names)]
    case .unknown(let field): .object([(field, .object([]))])
    }
  }
}

extension ClusterPolicy.Ports {
  fileprivate var json: JSONText {
    switch self {
    case .named(let name): return ["destinationNamedPort": .string(name)]
    case .range(let transport, let range):
      let (first, last) = (Int(range.lowerBound), Int(range.upperBound))
      let port: JSONText =
        first == last ? ["number": .number(first)] : ["range": ["start": .number(first), "end": .number(last)]]
      return .object([(transport.rawValue.lowercased(), .object([("destinationPort", port)]))])
    }
  }

  /// `v1alpha1`.
  fileprivate var oldJSON: JSONText {
    switch self {
    case .named(let name): return ["namedPort": .string(name)]
    case .range(let transport, let range):
      let (first, last) = (Int(range.lowerBound), Int(range.upperBound))
      return first == last
        ? ["portNumber": ["protocol": .string(transport.rawValue), "port": .number(first)]]
        : ["portRange": ["protocol": .string(transport.rawValue), "start": .number(first), "end": .number(last)]]
    }
  }
}
