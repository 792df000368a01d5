// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import ExampleSupport
import IPVLANDatapath
import KubernetesModel
import LinuxSystem
import NetworkTypes

/// The flows that the demo tries, and what has to happen to each.
struct DemoScenario {
  /// Where the node's own server listens: the kubelet's port.
  static let nodePort: UInt16 = 10250

  let cluster: DemoCluster
  let progress: Progress

  /// Tries every flow in order.
  func run() async throws -> [FlowResult] {
    var results: [FlowResult] = []
    for attempt in try attempts() {
      try Task.checkCancellation()
      progress.say("trying \(attempt.flow)")
      results.append(try await perform(attempt))
    }
    return results
  }

  /// Who connects.
  enum Source {
    case pod(DemoPod)
    case node(DemoNode)

    var process: PodProcess {
      switch self {
      case .pod(let pod): pod.process
      case .node(let node): node.process
      }
    }

    var name: String {
      switch self {
      case .pod(let pod): pod.key.name
      case .node(let node): node.name
      }
    }

    var node: DemoNode {
      switch self {
      case .pod(let pod): pod.node
      case .node(let node): node
      }
    }

    /// The link that its frames leave the node by, as the counters name it.
    var link: String {
      switch self {
      case .pod(let pod): "\(pod.node.name)/\(pod.node.interfaces[pod.interface]?.attachment.link.rawValue ?? "")"
      case .node(let node): "\(node.name)/eth0"
      }
    }
  }

  /// What has to happen.
  enum Expectation {
    /// Answered by these, each of them at least once.
    case answers(by: Set<String>)
    /// Nothing comes back, and the node has a flow record with the reason.
    case dropped(DropReason, FlowRecord.Direction, at: DemoPod)
    /// Refused at once.
    case refused
    /// The kernel does not give the pod such a socket.
    case forbidden
  }

  /// Which way it has to go.
  enum Way {
    /// No frame on any ENI.
    case insideNode
    /// Over the ENIs and the VPC.
    case overVPC
    /// To a service, which the pod's sockets translate.
    case bySockets
    /// To a service, which the programs at the pod's packets translate.
    case byPackets
    /// Not looked at: the flow has several ways, or none.
    case any
  }

  struct Attempt {
    var flow: String
    var from: Source
    var kind: Sockets.Kind = .tcp
    var address: IPv4Address
    var port: UInt16
    var connections = 1
    var way: Way
    var expectation: Expectation
  }

  private func pod(_ name: String) throws -> DemoPod {
    guard let pod = cluster.pods[name] else {
      throw ExampleError("the manifests have no pod \"\(name)\"; the demo's flows need it")
    }
    return pod
  }

  private func attempts() throws -> [Attempt] {
    let client = try pod("client")
    let db = try pod("db")
    let scanner = try pod("scanner")
    let web = try (1...3).map { try pod("web-\($0)") }
    let everyWeb = Set(web.map(\.key.name))
    // With veth the node routes between its own pods, whatever ENI they are on (Terway does the same).
    let otherENI: Way = cluster.mode == .ipvlan ? .overVPC : .insideNode
    let vip = IPv4Address(172, 20, 0, 10)
    let retired = IPv4Address(172, 20, 0, 11)
    func to(_ pod: DemoPod) -> Expectation { .answers(by: [pod.key.name]) }
    var attempts = [
      Attempt(
        flow: "client -> web-1, TCP, same ENI", from: .pod(client), address: web[0].address, port: 8080,
        way: .insideNode,
        expectation: to(web[0])),
      Attempt(
        flow: "client -> web-2, TCP, other ENI", from: .pod(client), address: web[1].address, port: 8080, way: otherENI,
        expectation: to(web[1])),
      Attempt(
        flow: "client -> web-3, TCP, other node", from: .pod(client), address: web[2].address, port: 8080,
        way: .overVPC,
        expectation: to(web[2])),
      Attempt(
        flow: "client -> web-3, UDP, other node", from: .pod(client), kind: .udp, address: web[2].address, port: 8081,
        way: .overVPC, expectation: to(web[2])),
      Attempt(
        flow: "client -> its node", from: .pod(client), address: client.node.address, port: Self.nodePort,
        way: .insideNode, expectation: .answers(by: [client.node.name])),
      Attempt(
        flow: "node-a -> db (probe)", from: .node(db.node), address: db.address, port: 5432, way: .insideNode,
        expectation: to(db)),
      Attempt(
        flow: "client -> service web, TCP", from: .pod(client), address: vip, port: 80, connections: 30,
        way: .bySockets,
        expectation: .answers(by: everyWeb)),
      Attempt(
        flow: "client -> service web, UDP", from: .pod(client), kind: .udp, address: vip, port: 80, connections: 30,
        way: .bySockets, expectation: .answers(by: everyWeb)),
      Attempt(
        flow: "client -> service without pods", from: .pod(client), address: retired, port: 80, way: .any,
        expectation: .refused),
      Attempt(
        flow: "web-1 -> db, allowed by policy", from: .pod(web[0]), address: db.address, port: 5432, way: .insideNode,
        expectation: to(db)),
      Attempt(
        flow: "client -> db, denied at ingress", from: .pod(client), address: db.address, port: 5432, way: .any,
        expectation: .dropped(.policy, .ingress, at: db)),
      Attempt(
        flow: "scanner -> web-1, allowed by policy", from: .pod(scanner), address: web[0].address, port: 8080,
        way: .overVPC, expectation: to(web[0])),
      Attempt(
        flow: "scanner -> service web, by policy", from: .pod(scanner), address: vip, port: 80, connections: 30,
        way: .bySockets, expectation: .answers(by: everyWeb)),
      Attempt(
        flow: "scanner -> client, denied at egress", from: .pod(scanner), address: client.address, port: 9000,
        way: .any, expectation: .dropped(.policy, .egress, at: scanner)),
      Attempt(
        flow: "scanner -> client, past its programs", from: .pod(scanner), kind: .bypass, address: client.address,
        port: 9000, way: .any, expectation: .forbidden),
    ]
    let place = attempts.firstIndex { $0.flow == "web-1 -> db, allowed by policy" } ?? attempts.endIndex
    attempts.insert(contentsOf: attemptsByPackets(to: vip, retired, everyWeb), at: place)
    return attempts
  }

  /// The services from pods whose sockets are left alone; manifests need have none.
  private func attemptsByPackets(
    to vip: IPv4Address, _ retired: IPv4Address, _ servers: Set<String>
  ) -> [Attempt] {
    cluster.pods.values.filter(\.isServedAtPackets).sorted { $0.key < $1.key }.flatMap { pod in
      let name = pod.key.name
      return [
        Attempt(
          flow: "\(name) -> service web, TCP", from: .pod(pod), address: vip, port: 80, connections: 30,
          way: .byPackets,
          expectation: .answers(by: servers)),
        Attempt(
          flow: "\(name) -> service web, UDP", from: .pod(pod), kind: .udp, address: vip, port: 80, connections: 30,
          way: .byPackets, expectation: .answers(by: servers)),
        Attempt(
          flow: "\(name) -> service without pods", from: .pod(pod), address: retired, port: 80, way: .any,
          expectation: .refused),
      ]
    }
  }
}
