// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import KubernetesModel
import LinuxSystem
import NetlinkKit
import NetworkTypes
import PolicyCompiler
import Testing

/// Real sockets between a pod and a peer, with the compiled policies in between.
@Suite("Traffic under compiled policies", .serialized, .requires(.root))
struct PolicyTrafficTests {
  private static let pod = IPv4Address(10, 77, 0, 5)
  private static let peer = IPv4Address(10, 77, 0, 9)
  private static let key = NamespacedName(namespace: "shop", name: "db")

  private static func compiled(_ specs: NetworkPolicy.Spec...) -> CompiledPolicy {
    let web = NamespacedName(namespace: "shop", name: "web")
    return .compile(
      PolicyInput(
        pods: [
          PolicyPod(key: key, labels: ["app": "db"], addresses: [.v4(pod)], node: "n1"),
          PolicyPod(key: web, labels: ["app": "web"], addresses: [.v4(peer)], node: "n2"),
        ],
        namespaces: ["shop": [:]],
        networkPolicies: specs.enumerated().map { index, spec in
          NetworkPolicy(metadata: ObjectMeta(name: "p\(index)", namespace: "shop"), spec: spec)
        }))
  }

  /// A veth pair with the dispatcher at the pod's end.
  private func withPod(
    _ body: (PodDatapath, _ pod: NetworkNamespace, _ peer: NetworkNamespace) async throws -> Void
  ) async throws {
    try await withScratchNamespace { pod in
      try await withScratchNamespace { peer in
        let podSocket = try await NetlinkSocket(in: pod)
        let peerSocket = try await NetlinkSocket(in: peer)
        let link = try await podSocket.links.add(
          NewLink(name: "eth0", kind: .veth(peer: VethPeer(name: "eth0", namespace: peer))))
        let other = try #require(try await peerSocket.links.link(named: "eth0"))
        try await podSocket.links.change(link.index, LinkChanges(isUp: true))
        try await peerSocket.links.change(other.index, LinkChanges(isUp: true))
        try await podSocket.addresses.add(
          InterfaceAddress(index: link.index, address: .v4(Self.pod), prefixLength: 24))
        try await peerSocket.addresses.add(
          InterfaceAddress(index: other.index, address: .v4(Self.peer), prefixLength: 24))
        let datapath = try PodDatapath.load(
          pinDirectory: nil, limits: DatapathLimits(flows: 1024, peerClasses: 256, verdicts: 256, eventBytes: 65536))
        try datapath.endpoints.setValue(
          endpoint(ipv4: Self.pod, flags: UInt32(ENDPOINT_PRESENT | ENDPOINT_POLICY_REQUIRED)), at: 3)
        let dispatcher = try datapath.makeDispatcher(endpoint: 3)
        let egress = try await dispatcher.egress.attach(
          toTrafficControl: .egress, of: link.index.rawValue, in: pod)
        let ingress = try await dispatcher.ingress.attach(
          toTrafficControl: .ingress, of: link.index.rawValue, in: pod)
        try await body(datapath, pod, peer)
        try await egress.detach()
        try await ingress.detach()
      }
    }
  }

  @Test func `what the policies allow flows with its replies, and nothing else`() async throws {
    try await withPod { datapath, pod, peer in
      let writer = PolicyMapWriter(datapath: datapath, node: "n1", gracePeriod: .milliseconds(10))
      let web = NetworkPolicy.Peer(podSelector: LabelSelector(matchLabels: ["app": "web"]))
      let rule = NetworkPolicy.IngressRule(ports: [.init(port: 5432)], from: [web])
      // Not compiled yet: closed.
      #expect(try await Traffic.udp(from: peer, to: pod, at: Self.pod, port: 5432) == nil)
      // Ingress to one port; egress denied, but replies pass.
      let isolated = NetworkPolicy.Spec(
        podSelector: LabelSelector(matchLabels: ["app": "db"]), ingress: [rule], policyTypes: [.ingress, .egress])
      try await writer.apply(Self.compiled(isolated), endpoints: [Self.key: 3])
      #expect(try await Traffic.tcp(from: peer, to: pod, at: Self.pod, port: 5432) == Self.peer)
      #expect(try await Traffic.udp(from: peer, to: pod, at: Self.pod, port: 5432) == nil)
      #expect(try await Traffic.udp(from: pod, to: peer, at: Self.peer, port: 53) == nil)
      #expect(try await !Traffic.ping(from: peer, to: Self.pod))
      // A second policy adds to it: any protocol from the peer's block, and egress to its port 53.
      let block = NetworkPolicy.Peer(ipBlock: .init(cidr: IPCIDR(host: .v4(Self.peer))))
      let more = NetworkPolicy.Spec(
        ingress: [.init(from: [block])], egress: [.init(ports: [.init(protocol: .udp, port: 53)], to: [web])])
      try await writer.apply(Self.compiled(isolated, more), endpoints: [Self.key: 3])
      #expect(try await Traffic.udp(from: peer, to: pod, at: Self.pod, port: 5432) == Self.peer)
      #expect(try await Traffic.ping(from: peer, to: Self.pod))
      #expect(try await Traffic.udp(from: pod, to: peer, at: Self.peer, port: 53) == Self.pod)
      #expect(try await Traffic.udp(from: pod, to: peer, at: Self.peer, port: 54) == nil)
      // Without policies everything is open again.
      try await writer.apply(Self.compiled(), endpoints: [Self.key: 3])
      #expect(try await Traffic.udp(from: pod, to: peer, at: Self.peer, port: 54) == Self.pod)
    }
  }
}
