// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
public import PolicyCompiler

/// One rule of the API's documentation: a cluster, policies, and what they mean for some connections.
///
/// Every engine answers the same cases: ``all``.
public struct PolicyCase: Sendable, CustomStringConvertible {
  /// Which ends refuse a connection.
  public enum Verdict: Sendable {
    /// None.
    case allow
    /// The source's policies do.
    case deniedOut
    /// The destination's policies do.
    case deniedIn
    /// Both.
    case denied

    /// As an engine answers.
    public var answer: PolicyAnswer {
      switch self {
      case .allow: PolicyAnswer(egress: true, ingress: true)
      case .deniedOut: PolicyAnswer(egress: false, ingress: true)
      case .deniedIn: PolicyAnswer(egress: true, ingress: false)
      case .denied: PolicyAnswer(egress: false, ingress: false)
      }
    }
  }

  /// A connection and its verdict.
  public struct Expectation: Sendable {
    /// The connection as text, such as `shop/web > shop/db TCP/80`.
    public var text: String
    /// The connection.
    public var probe: PolicyProbe
    /// What must come out.
    public var answer: PolicyAnswer
  }

  /// The field of the API that the rule stands at, such as `NetworkPolicySpec.podSelector`.
  public var field: String
  /// The rule, in own words.
  public var rule: String
  /// The cluster and the policies.
  public var input: PolicyInput
  /// Choices that the API leaves open.
  public var options = PolicyOptions()
  /// The connections.
  public var expectations: [Expectation]

  /// The field and the rule.
  public var description: String { "\(field): \(rule)" }

  /// All cases.
  public static var all: [PolicyCase] {
    selectors + networkPolicySpec + networkPolicyRules + networkPolicyPorts + networkPolicyPeers + conventions
      + clusterTiers + clusterSubjects + clusterPeers + clusterPorts + otherProtocols
  }

  /// A case in the cluster that all cases share.
  ///
  /// - Parameters:
  ///   - field: the field of the API.
  ///   - rule: the rule, in own words.
  ///   - policies: the policies.
  ///   - probes: connections such as `shop/web > shop/db TCP/80`, and which ends refuse them.
  init(_ field: String, _ rule: String, _ policies: [CasePolicy], _ probes: KeyValuePairs<String, Verdict>) {
    self.field = field
    self.rule = rule
    input = Self.cluster
    for policy in policies {
      switch policy {
      case .network(let policy): input.networkPolicies.append(policy)
      case .cluster(let policy): input.clusterPolicies.append(policy)
      }
    }
    expectations = probes.map { text, verdict in
      Expectation(text: text, probe: Self.probe(text), answer: verdict.answer)
    }
  }

  func with(options: PolicyOptions) -> PolicyCase {
    var copy = self
    copy.options = options
    return copy
  }
}

/// A policy of a case.
enum CasePolicy: Sendable {
  case network(NetworkPolicy)
  case cluster(ClusterPolicyObject)
}

// MARK: The cluster

extension PolicyCase {
  /// Three namespaces on two nodes; both families; one pod on the host network.
  static let cluster = PolicyInput(
    pods: [
      pod(
        "shop/web", ["app": "web", "tier": "front"], ["10.0.1.5", "fd00::1:5"], node: "n1",
        ports: [port("http", 8080), port("admin", 9090)]),
      pod(
        "shop/db", ["app": "db", "tier": "back"], ["10.0.1.6", "fd00::1:6"], node: "n2",
        ports: [
          port("sql", 5432), port("dns", 53, .udp), port("dns", 5353), port("sig", 9000, .sctp), port("many", 7001),
          port("many", 7003),
        ]),
      pod("ops/probe", ["app": "web"], ["10.0.2.5", "fd00::2:5"], node: "n2", ports: [port("http", 8081)]),
      pod("ops/log", ["app": "log"], ["10.0.2.6"], node: "n1"),
      pod("lab/old", [:], ["10.0.3.7"], node: "n1"),
      pod("lab/six", ["app": "six", "tier": ""], ["fd00::3:8"], node: "n2"),
      pod("lab/dual", ["app": "dual"], ["fd00::3:9", "10.0.3.9"], node: nil),
      pod(
        "ops/host", ["app": "web"], ["192.168.0.1", "fd01::1"], node: "n1", isHost: true, ports: [port("http", 8082)]),
    ],
    namespaces: ["shop": ["team": "blue", "env": "prod"], "ops": ["team": "ops", "env": "prod"], "lab": [:]],
    nodes: [
      PolicyNode(name: "n1", labels: ["zone": "a"], addresses: addresses(["192.168.0.1", "fd01::1"])),
      PolicyNode(name: "n2", labels: ["zone": "b"], addresses: addresses(["192.168.0.2", "fd01::2", "192.168.9.2"])),
    ])

  private static func pod(
    _ name: String, _ labels: [String: String], _ texts: [String], node: String?, isHost: Bool = false,
    ports: [Pod.ContainerPort] = []
  ) -> PolicyPod {
    PolicyPod(
      key: key(name), labels: labels, addresses: addresses(texts), node: node, isHostNetwork: isHost, ports: ports)
  }

  private static func port(_ name: String, _ number: Int32, _ transport: TransportProtocol = .tcp) -> Pod.ContainerPort
  {
    Pod.ContainerPort(name: name, containerPort: number, protocol: transport)
  }

  private static func addresses(_ texts: [String]) -> [IPAddress] {
    texts.map { text in
      guard let address = IPAddress(text) else { preconditionFailure("\(text) is no address") }
      return address
    }
  }

  private static func key(_ text: String) -> NamespacedName {
    let parts = text.split(separator: "/").map(String.init)
    precondition(parts.count == 2, "\(text) is no name")
    return NamespacedName(namespace: parts[0], name: parts[1])
  }

  private static func end(_ text: String) -> PolicyEnd {
    text.contains("/") ? .pod(key(text)) : .address(addresses([text])[0])
  }

  /// Reads `shop/web > 10.0.1.6 TCP/80`, or `ICMP` for a protocol without ports.
  ///
  /// - Parameter text: the connection.
  /// - Returns: the connection.
  public static func probe(_ text: String) -> PolicyProbe {
    let words = text.split(separator: " ").map(String.init)
    precondition(words.count == 4 && words[1] == ">", "\(text) is no connection")
    let parts = words[3].split(separator: "/").map(String.init)
    let protocols: [String: IPProtocol] = [
      "TCP": .tcp, "UDP": .udp, "SCTP": .sctp, "ICMP": .icmp, "ICMPv6": .icmpv6, "GRE": IPProtocol(rawValue: 47),
    ]
    guard let transport = protocols[parts[0]] else { preconditionFailure("\(text) has no protocol") }
    return PolicyProbe(
      from: end(words[0]), to: end(words[2]), protocol: transport, port: parts.count > 1 ? UInt16(parts[1]) ?? 0 : 0)
  }
}
