// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Testing

/// What pods of the API mean to policies, by both evaluators.
@Suite("Kubernetes objects as policy input")
struct PolicyInputTests {
  /// A pod as the API server has it.
  private func pod(
    _ name: String, _ status: String, labels: String = #"{"app": "web"}"#, spec: String = #""containers": []"#
  ) throws -> Pod {
    let text = """
      {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\(name)", "namespace": "shop", "labels": \(labels)},
       "spec": {"nodeName": "n1", \(spec)}, "status": \(status)}
      """
    return try JSONDecoder().decode(Pod.self, from: Data(text.utf8))
  }

  private func input(_ pods: [Pod], _ policy: String) throws -> PolicyInput {
    let text = """
      {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"},
       "spec": \(policy)}
      """
    return PolicyInput(
      pods: pods, namespaces: [Namespace(metadata: ObjectMeta(name: "shop"))],
      nodes: [
        Node(
          metadata: ObjectMeta(name: "n1"),
          status: .init(addresses: [.init(type: "InternalIP", address: "172.18.0.2")]))
      ], networkPolicies: [try JSONDecoder().decode(NetworkPolicy.self, from: Data(text.utf8))])
  }

  /// Whether a connection may be; both evaluators agree.
  private func isAllowed(
    _ input: PolicyInput, _ from: String, _ to: String, _ port: UInt16 = 80, _ transport: IPProtocol = .tcp
  ) throws -> Bool? {
    let source: IPAddress = try #require(IPAddress(from))
    let destination: IPAddress = try #require(IPAddress(to))
    let probe = PolicyProbe(from: .address(source), to: .address(destination), protocol: transport, port: port)
    let answer = PolicyEvaluator(input).answer(probe)
    #expect(CompiledPolicy(input).answer(probe) == answer)
    return answer?.isAllowed
  }

  private static let onlyWeb =
    #"{"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]}"#
  private static let db = #"{"app": "db"}"#

  @Test(arguments: ["Succeeded", "Failed"])
  func `a pod that has ended does not speak for the address that another has now`(phase: String) throws {
    let ended = try pod("old", #"{"phase": "\#(phase)", "podIPs": [{"ip": "10.0.0.7"}]}"#)
    let other = try pod("new", #"{"phase": "Running", "podIPs": [{"ip": "10.0.0.7"}]}"#, labels: #"{"app": "batch"}"#)
    let database = try pod("db", #"{"podIPs": [{"ip": "10.0.0.5"}]}"#, labels: Self.db)
    for pods in [[ended, other, database], [other, ended, database]] {
      #expect(try isAllowed(input(pods, Self.onlyWeb), "10.0.0.7", "10.0.0.5") == false)
    }
    // Nor for itself, where nobody has the address.
    #expect(try isAllowed(input([ended, database], Self.onlyWeb), "10.0.0.7", "10.0.0.5") == false)
    let running = try pod("web", #"{"phase": "Running", "podIPs": [{"ip": "10.0.0.7"}]}"#)
    #expect(try isAllowed(input([running, database], Self.onlyWeb), "10.0.0.7", "10.0.0.5") == true)
  }

  @Test func `a pod without an address is nobody, and one that goes away still counts`() throws {
    let pending = try pod("pending", #"{"phase": "Pending"}"#)
    let leaving = try pod("leaving", #"{"phase": "Running", "podIP": "10.0.0.8"}"#)
    let database = try pod("db", #"{"podIPs": [{"ip": "10.0.0.5"}]}"#, labels: Self.db)
    let cluster = try input([pending, leaving, database], Self.onlyWeb)
    #expect(cluster.pods.map(\.key.name) == ["leaving", "db"])
    #expect(try isAllowed(cluster, "10.0.0.8", "10.0.0.5") == true)
  }

  @Test func `each address of a pod is the pod`() throws {
    let web = try pod("web", #"{"podIPs": [{"ip": "fd00::8"}, {"ip": "10.0.0.8"}]}"#)
    let database = try pod("db", #"{"podIPs": [{"ip": "10.0.0.5"}, {"ip": "fd00::5"}]}"#, labels: Self.db)
    let cluster = try input([web, database], Self.onlyWeb)
    #expect(try isAllowed(cluster, "10.0.0.8", "10.0.0.5") == true)
    #expect(try isAllowed(cluster, "fd00::8", "fd00::5") == true)
    #expect(try isAllowed(cluster, "10.0.0.9", "10.0.0.5") == false)
    #expect(try isAllowed(cluster, "fd00::9", "fd00::5") == false)
  }

  @Test func `a pod on the host network is its node, selected by nobody`() throws {
    let host = try pod(
      "host", #"{"podIPs": [{"ip": "172.18.0.2"}]}"#, spec: #""hostNetwork": true, "containers": []"#)
    let web = try pod("web", #"{"podIPs": [{"ip": "10.0.0.8"}]}"#)
    let database = try pod("db", #"{"podIPs": [{"ip": "10.0.0.5"}]}"#, labels: Self.db)
    let cluster = try input([host, web, database], Self.onlyWeb)
    // From the pod's own node, though "host" has the labels.
    #expect(try isAllowed(cluster, "172.18.0.2", "10.0.0.5") == true)
    var elsewhere = cluster
    elsewhere.pods[2].node = "n2"
    #expect(try isAllowed(elsewhere, "172.18.0.2", "10.0.0.5") == false)
    let isolated = try input([host, web], #"{"podSelector": {}}"#)
    #expect(try isAllowed(isolated, "10.0.0.8", "172.18.0.2") == true)
  }

  @Test func `names of ports are those of containers and sidecars, each with its protocol`() throws {
    let spec = """
      "containers": [
        {"name": "a", "ports": [{"name": "api", "containerPort": 80}, {"containerPort": 81}, {"name": "", "containerPort": 82}]},
        {"name": "b", "ports": [{"name": "api", "containerPort": 90}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]}],
       "initContainers": [
        {"name": "once", "ports": [{"name": "api", "containerPort": 70}]},
        {"name": "side", "restartPolicy": "Always", "ports": [{"name": "api", "containerPort": 60}]}]
      """
    let web = try pod("web", #"{"podIPs": [{"ip": "10.0.0.8"}]}"#, spec: spec)
    let cluster = try input(
      [web], #"{"podSelector": {}, "ingress": [{"ports": [{"port": "api"}, {"port": "dns"}]}]}"#)
    let expectations: [(UInt16, IPProtocol, Bool)] = [
      (80, .tcp, true), (90, .tcp, true), (60, .tcp, true), (70, .tcp, false), (81, .tcp, false), (82, .tcp, false),
      // "dns" is a port of UDP, and the rule means TCP.
      (53, .udp, false), (53, .tcp, false), (80, .udp, false),
    ]
    for (port, transport, isExpected) in expectations {
      #expect(try isAllowed(cluster, "192.0.2.1", "10.0.0.8", port, transport) == isExpected, "\(transport) \(port)")
    }
    #expect(cluster.pods.first?.ports.map(\.name) == ["api", nil, nil, "api", "dns", "api"])
  }
}
