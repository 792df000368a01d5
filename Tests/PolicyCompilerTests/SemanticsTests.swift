// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Testing

/// Each rule of the API's text, asked of the tables and of the reference.
@Suite("What policies mean")
struct SemanticsTests {
  /// shop: web (app=web), db (app=db); ops (team=ops): probe (app=web).
  private static let cluster = PolicyInput(
    pods: [
      pod("shop/web", ["app": "web"], "10.0.1.5"),
      pod("shop/db", ["app": "db"], "10.0.1.6", ports: [.init(name: "sql", containerPort: 5432)]),
      pod("ops/probe", ["app": "web"], "10.0.2.5"),
      pod("ops/host", ["app": "web"], "192.168.0.2", node: "n2", isHost: true),
    ],
    namespaces: ["shop": [:], "ops": ["team": "ops"]],
    nodes: [
      PolicyNode(name: "n1", addresses: [address("192.168.0.1")]),
      PolicyNode(name: "n2", addresses: [address("192.168.0.2")]),
    ])

  private static func address(_ text: String) -> IPAddress { IPAddress(text) ?? .v4(IPv4Address(rawValue: 0)) }

  private static func pod(
    _ name: String, _ labels: [String: String], _ address: String, ports: [Pod.ContainerPort] = [],
    node: String = "n1", isHost: Bool = false
  ) -> PolicyPod {
    PolicyPod(
      key: key(name), labels: labels, addresses: [Self.address(address)], node: node, isHostNetwork: isHost,
      ports: ports)
  }

  private static func key(_ name: String) -> NamespacedName {
    let parts = name.split(separator: "/").map(String.init)
    return NamespacedName(namespace: parts[0], name: parts[1])
  }

  private static func end(_ text: String) -> PolicyEnd {
    text.contains("/") ? .pod(key(text)) : .address(address(text))
  }

  /// Whether a TCP connection may be, when one policy of namespace `shop` is in force.
  private func allows(
    _ source: String, _ destination: String, _ port: UInt16 = 80, protocol: IPProtocol = .tcp,
    options: PolicyOptions = PolicyOptions(), under specs: NetworkPolicy.Spec...
  ) throws -> Bool {
    var input = Self.cluster
    for (index, spec) in specs.enumerated() {
      let metadata = ObjectMeta(name: "p\(index)", namespace: "shop")
      input.networkPolicies.append(NetworkPolicy(metadata: metadata, spec: spec))
    }
    let probe = PolicyProbe(from: Self.end(source), to: Self.end(destination), protocol: `protocol`, port: port)
    let reference = try #require(PolicyEvaluator(input, options: options).answer(probe))
    #expect(CompiledPolicy.compile(input, options: options).answer(probe) == reference)
    return reference.isAllowed
  }

  private let web = LabelSelector(matchLabels: ["app": "web"])
  private let database = LabelSelector(matchLabels: ["app": "db"])
  private let ops = LabelSelector(matchLabels: ["team": "ops"])

  @Test func `without a policy everything is allowed`() throws {
    #expect(try allows("shop/web", "shop/db"))
    #expect(try allows("203.0.113.9", "shop/db"))
  }

  @Test func `a policy without rules isolates the pods it selects, in its direction`() throws {
    let deny = NetworkPolicy.Spec(podSelector: database)
    #expect(try !allows("shop/web", "shop/db", under: deny))
    #expect(try !allows("203.0.113.9", "shop/db", under: deny))
    #expect(try allows("shop/db", "shop/web", under: deny))
    #expect(try allows("shop/db", "ops/probe", under: deny))
    #expect(try allows("ops/probe", "shop/web", under: deny))
  }

  @Test func `an egress policy leaves ingress alone`() throws {
    let deny = NetworkPolicy.Spec(podSelector: database, policyTypes: [.egress])
    #expect(try allows("shop/web", "shop/db", under: deny))
    #expect(try !allows("shop/db", "shop/web", under: deny))
  }

  @Test func `egress rules without policy types restrict both directions`() throws {
    let spec = NetworkPolicy.Spec(podSelector: database, egress: [.init(to: [.init(podSelector: web)])])
    #expect(try allows("shop/db", "shop/web", under: spec))
    #expect(try !allows("shop/db", "ops/probe", under: spec))
    #expect(try !allows("shop/web", "shop/db", under: spec))
  }

  @Test func `a rule without peers and ports allows everything`() throws {
    let open = NetworkPolicy.Spec(podSelector: database, ingress: [.init()])
    #expect(try allows("203.0.113.9", "shop/db", under: open))
    #expect(try allows("203.0.113.9", "shop/db", 0, protocol: .icmp, under: open))
  }

  @Test func `a pod selector alone means the policy's namespace`() throws {
    let spec = NetworkPolicy.Spec(podSelector: database, ingress: [.init(from: [.init(podSelector: web)])])
    #expect(try allows("shop/web", "shop/db", under: spec))
    #expect(try !allows("ops/probe", "shop/db", under: spec))
  }

  @Test func `a namespace selector alone means every pod of those namespaces`() throws {
    let spec = NetworkPolicy.Spec(podSelector: database, ingress: [.init(from: [.init(namespaceSelector: ops)])])
    #expect(try allows("ops/probe", "shop/db", under: spec))
    #expect(try !allows("shop/web", "shop/db", under: spec))
  }

  @Test func `both selectors in one peer must hold, in two peers one is enough`() throws {
    let both = NetworkPolicy.Spec(
      podSelector: database, ingress: [.init(from: [.init(podSelector: database, namespaceSelector: ops)])])
    #expect(try !allows("ops/probe", "shop/db", under: both))
    let either = NetworkPolicy.Spec(
      podSelector: web, ingress: [.init(from: [.init(podSelector: database), .init(namespaceSelector: ops)])])
    #expect(try allows("ops/probe", "shop/web", under: either))
    #expect(try allows("shop/db", "shop/web", under: either))
  }

  @Test func `an empty namespace selector is every pod but no other address`() throws {
    let peer = NetworkPolicy.Peer(namespaceSelector: LabelSelector())
    let spec = NetworkPolicy.Spec(podSelector: database, ingress: [.init(from: [peer])])
    #expect(try allows("ops/probe", "shop/db", under: spec))
    #expect(try !allows("203.0.113.9", "shop/db", under: spec))
  }

  @Test func `a block matches whoever has the address, but not in its holes`() throws {
    let block = NetworkPolicy.IPBlock(
      cidr: try #require(IPCIDR("10.0.0.0/8")), except: [try #require(IPCIDR("10.0.2.0/24"))])
    let spec = NetworkPolicy.Spec(podSelector: database, ingress: [.init(from: [.init(ipBlock: block)])])
    #expect(try allows("shop/web", "shop/db", under: spec))
    #expect(try allows("10.9.9.9", "shop/db", under: spec))
    #expect(try !allows("ops/probe", "shop/db", under: spec))
    #expect(try !allows("11.0.0.1", "shop/db", under: spec))
  }

  @Test func `two policies add up`() throws {
    let first = NetworkPolicy.Spec(podSelector: database, ingress: [.init(from: [.init(podSelector: web)])])
    let second = NetworkPolicy.Spec(podSelector: database, ingress: [.init(from: [.init(namespaceSelector: ops)])])
    #expect(try allows("shop/web", "shop/db", under: first, second))
    #expect(try allows("ops/probe", "shop/db", under: first, second))
    #expect(try !allows("203.0.113.9", "shop/db", under: first, second))
  }

  @Test(arguments: [
    (NetworkPolicy.Port(port: 80), UInt16(80), IPProtocol.tcp, true), (.init(port: 80), 81, .tcp, false),
    (.init(port: 80), 80, .udp, false), (.init(protocol: .udp, port: 80), 80, .udp, true),
    (.init(protocol: .sctp), 9, .sctp, true), (.init(protocol: .sctp), 9, .tcp, false),
    (.init(port: 80, endPort: 90), 80, .tcp, true), (.init(port: 80, endPort: 90), 90, .tcp, true),
    (.init(port: 80, endPort: 90), 91, .tcp, false), (.init(port: 80, endPort: 90), 79, .tcp, false),
    (.init(port: "sql"), 5432, .tcp, true), (.init(port: "sql"), 5433, .tcp, false),
    (.init(protocol: .udp, port: "sql"), 5432, .udp, false), (.init(port: "none"), 5432, .tcp, false),
    (.init(port: 80), 0, .icmp, false),
  ])
  func `ports are those of the destination`(
    port: NetworkPolicy.Port, number: UInt16, kind: IPProtocol, expected: Bool
  ) throws {
    let ingress = NetworkPolicy.Spec(podSelector: database, ingress: [.init(ports: [port])])
    #expect(try allows("shop/web", "shop/db", number, protocol: kind, under: ingress) == expected)
    let egress = NetworkPolicy.Spec(podSelector: web, egress: [.init(ports: [port])], policyTypes: [.egress])
    #expect(try allows("shop/web", "shop/db", number, protocol: kind, under: egress) == expected)
  }

  @Test func `a port name means nothing where the destination is no pod`() throws {
    let egress = NetworkPolicy.Spec(podSelector: web, egress: [.init(ports: [.init(port: "sql")])])
    #expect(try !allows("shop/web", "203.0.113.9", 5432, under: egress))
  }

  @Test func `a pod reaches itself`() throws {
    let deny = NetworkPolicy.Spec(policyTypes: [.ingress, .egress])
    #expect(try allows("shop/db", "shop/db", under: deny))
    #expect(try allows("10.0.1.6", "shop/db", under: deny))
  }

  @Test func `a pod and its own node reach each other unless that is switched off`() throws {
    let deny = NetworkPolicy.Spec(policyTypes: [.ingress, .egress])
    #expect(try allows("192.168.0.1", "shop/db", under: deny))
    #expect(try allows("shop/db", "192.168.0.1", under: deny))
    #expect(try !allows("192.168.0.2", "shop/db", under: deny))
    #expect(try !allows("192.168.0.1", "shop/db", options: PolicyOptions(allowsOwnNode: false), under: deny))
  }

  @Test func `a pod on the host network is its address`() throws {
    let all = NetworkPolicy.Peer(namespaceSelector: LabelSelector())
    let pods = NetworkPolicy.Spec(podSelector: database, ingress: [.init(from: [all])])
    #expect(try !allows("ops/host", "shop/db", under: pods))
    let block = NetworkPolicy.IPBlock(cidr: try #require(IPCIDR("192.168.0.2/32")))
    let node = NetworkPolicy.Spec(podSelector: database, ingress: [.init(from: [.init(ipBlock: block)])])
    #expect(try allows("ops/host", "shop/db", under: node))
    #expect(try allows("shop/db", "ops/host", under: NetworkPolicy.Spec(podSelector: web)))
  }
}
