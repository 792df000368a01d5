// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// A made-up cluster, the same for the same sizes: shops of ten applications with the policies that people write.
struct BenchCluster {
  private(set) var input = PolicyInput()
  private var random = Random()
  private let apps = ["web", "api", "db", "cache", "queue", "auth", "job", "monitor", "log", "proxy"]

  /// Numbers that only look random.
  private struct Random {
    private var state: UInt64 = 42
    mutating func below(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
  }

  /// Makes a cluster.
  ///
  /// - Parameters:
  ///   - namespaces: How many namespaces.
  ///   - pods: How many pods.
  ///   - policies: How many NetworkPolicies.
  ///   - broad: How many AdminNetworkPolicies are for all pods, about those of twenty namespaces each.
  init(namespaces: Int, pods: Int, policies: Int, broad: Int) {
    for number in 0..<namespaces {
      let name = "ns-\(number)"
      input.namespaces[name] = [
        "kubernetes.io/metadata.name": name, "team": "t\(number % 50)", "env": number % 10 == 0 ? "prod" : "dev",
      ]
    }
    let nodes = max(1, min(pods / 100, 65_000))
    for number in 0..<nodes {
      let address = IPAddress.v4(IPv4Address(rawValue: 0xAC10_0000 + UInt32(number)))
      input.nodes.append(
        PolicyNode(name: "node-\(number)", labels: ["zone": "z\(number % 3)"], addresses: [address]))
    }
    for number in 0..<pods { addPod(number, namespaces: namespaces, nodes: nodes) }
    for number in 0..<policies { addPolicy(number, namespaces: namespaces) }
    for number in 0..<10 { addAdminPolicy(number) }
    for number in 0..<broad {
      input.clusterPolicies.append(Broad(number, namespaces: namespaces).policy)
    }
  }

  private mutating func addPod(_ number: Int, namespaces: Int, nodes: Int) {
    let namespace = number % namespaces
    let app = apps[(number / namespaces) % apps.count]
    let labels = [
      "app": app, "tier": number.isMultiple(of: 3) ? "front" : "back", "pod-template-hash": "\(namespace)-\(app)",
      "version": "v\(random.below(3))",
    ]
    let addresses: [IPAddress] = [
      .v4(IPv4Address(rawValue: 0x0A00_0100 + UInt32(number))),
      .v6(IPv6Address(high: 0xFD00 << 48, low: UInt64(number) + 256)),
    ]
    input.pods.append(
      PolicyPod(
        key: NamespacedName(namespace: "ns-\(namespace)", name: "\(app)-\(number)"), labels: labels,
        addresses: addresses, node: "node-\(number % nodes)",
        ports: [
          .init(name: "http", containerPort: 8080),
          .init(name: "metrics", containerPort: Int32(9090 + random.below(2))),
        ]))
  }

  /// Ten kinds of policy, one of each in every namespace before the next round begins.
  private mutating func addPolicy(_ number: Int, namespaces: Int) {
    let namespace = number % namespaces
    let kind = number / namespaces
    let metadata = ObjectMeta(name: "policy-\(number)", namespace: "ns-\(namespace)")
    let spec: NetworkPolicy.Spec =
      switch kind {
      case 0: .init(policyTypes: [.ingress])
      case 1: Self.nameService
      case 2: Self.front(namespace)
      default: service(apps[kind % apps.count])
      }
    input.networkPolicies.append(NetworkPolicy(metadata: metadata, spec: spec))
  }

  /// Jobs may ask the name service, and nobody else.
  private static var nameService: NetworkPolicy.Spec {
    let servers = NetworkPolicy.Peer(
      podSelector: LabelSelector(matchLabels: ["app": "proxy"]),
      namespaceSelector: LabelSelector(matchLabels: ["kubernetes.io/metadata.name": "ns-0"]))
    return .init(
      podSelector: LabelSelector(matchLabels: ["app": "job"]),
      egress: [.init(ports: [.init(protocol: .udp, port: 53), .init(port: 53)], to: [servers])])
  }

  /// Everyone outside may reach the front, which talks to one address outside.
  private static func front(_ namespace: Int) -> NetworkPolicy.Spec {
    let cluster = IPCIDR(address: .v4(IPv4Address(10, 0, 0, 0)), prefixLength: 8)
    let outside = IPCIDR(address: .v4(IPv4Address(0, 0, 0, 0)), prefixLength: 0)
    guard let cluster, let outside else { return .init() }
    let partner = IPCIDR(host: .v4(IPv4Address(192, 0, 2, UInt8(namespace % 256))))
    return .init(
      podSelector: LabelSelector(matchLabels: ["app": "web"]),
      ingress: [
        .init(ports: [.init(port: .string("http"))], from: [.init(ipBlock: .init(cidr: outside, except: [cluster]))])
      ],
      egress: [.init(ports: [.init(port: 443)], to: [.init(ipBlock: .init(cidr: partner))])])
  }

  /// One application may reach another, and a team's monitors its metrics; it may reach the database and caches.
  private mutating func service(_ app: String) -> NetworkPolicy.Spec {
    let monitors = NetworkPolicy.Peer(
      podSelector: LabelSelector(matchLabels: ["app": "monitor"]),
      namespaceSelector: LabelSelector(matchLabels: ["team": "t\(random.below(50))"]))
    let client = NetworkPolicy.Peer(podSelector: LabelSelector(matchLabels: ["app": apps[random.below(apps.count)]]))
    let database = NetworkPolicy.Peer(podSelector: LabelSelector(matchLabels: ["app": "db"]))
    let ports: [NetworkPolicy.Port] = [
      .init(port: .int(Int32(8000 + random.below(100)))), .init(port: 9000, endPort: 9100),
    ]
    return .init(
      podSelector: LabelSelector(matchLabels: ["app": app]),
      ingress: [
        .init(ports: ports, from: [client]), .init(ports: [.init(port: .string("metrics"))], from: [monitors]),
      ],
      egress: [
        .init(ports: [.init(port: 5432)], to: [database]),
        .init(ports: ports, to: [.init(podSelector: LabelSelector(matchLabels: ["tier": "back"]))]),
      ])
  }

  /// Production and development each have some rules that nobody can change.
  private mutating func addAdminPolicy(_ number: Int) {
    guard let metadata = IPCIDR(address: .v4(IPv4Address(169, 254, 169, 254)), prefixLength: 32) else { return }
    let subject = LabelSelector(matchLabels: ["env": number.isMultiple(of: 2) ? "prod" : "dev"])
    let peer = LabelSelector(matchLabels: ["kubernetes.io/metadata.name": "ns-\(number * 7)"])
    let spec = ClusterPolicy.Spec(
      tier: .admin, priority: Int32(number), subject: .namespaces(subject),
      ingress: [
        .init(
          action: number.isMultiple(of: 3) ? .deny : .pass, peers: [.namespaces(peer)], ports: [.range(.tcp, 22...22)])
      ],
      egress: [.init(action: .deny, peers: [.networks([metadata])])])
    input.clusterPolicies.append(.admin(AdminNetworkPolicy(metadata: ObjectMeta(name: "admin-\(number)"), spec: spec)))
  }

  /// Nobody may be reached on one port by the pods of twenty namespaces.
  struct Broad {
    var number: Int
    var port: UInt16
    var peers: [String]
    var priority: Int32

    init(_ number: Int, namespaces: Int) {
      self.number = number
      port = 4000 + UInt16(number)
      peers = (0..<20).map { "ns-\((number * 131 + $0 * 7) % namespaces)" }
      priority = 100 + Int32(number)
    }

    var policy: ClusterPolicyObject {
      let peer = LabelSelector(
        matchExpressions: [.init(key: "kubernetes.io/metadata.name", operator: .isIn, values: peers)])
      let spec = ClusterPolicy.Spec(
        tier: .admin, priority: priority, subject: .namespaces(LabelSelector()),
        ingress: [.init(action: .deny, peers: [.namespaces(peer)], ports: [.range(.tcp, port...port)])])
      return .admin(AdminNetworkPolicy(metadata: ObjectMeta(name: "broad-\(number)"), spec: spec))
    }
  }
}
