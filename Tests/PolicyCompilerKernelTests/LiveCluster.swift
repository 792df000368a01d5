// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import KubernetesModel
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@testable import PolicyCompiler

/// A cluster in network namespaces: one for each pod, with the dispatchers at its interface, and one for everyone else.
///
/// All are on one bridge, and find each other as neighbours: only the policies are in between.
final class LiveCluster {
  private let world: NetworkNamespace
  private var pods: [NamespacedName: NetworkNamespace] = [:]
  private var owners: [IPAddress: NamespacedName] = [:]
  private(set) var nodes: [String?: KernelNode] = [:]
  private var attachments: [NamespacedName: [PodHook]] = [:]
  private var nextPort: UInt16 = 20_000

  /// Keeps a hook attached.
  private final class PodHook {
    let attachment: BPFMaps.Attachment
    init(_ attachment: consuming BPFMaps.Attachment) { self.attachment = attachment }
  }

  /// Makes the namespaces; nothing may pass to or from a pod yet.
  ///
  /// - Parameters:
  ///   - policy: The cluster's pods.
  ///   - others: Addresses of everyone else.
  /// - Throws: What a link, an address or a program refuses.
  init(_ policy: CompiledPolicy, others: Set<IPAddress>) async throws {
    world = try await Self.namespace()
    let socket = try await NetlinkSocket(in: world)
    let bridge = try await socket.links.add(NewLink(name: "br0", kind: .bridge(.init()), isUp: true))
    try await Self.address(bridge.index, others.sorted(), socket)
    for (pod, endpoint) in policy.tables.endpoints.sorted(by: { $0.key < $1.key }) {
      let namespace = try await Self.namespace()
      let podSocket = try await NetlinkSocket(in: namespace)
      let link = try await podSocket.links.add(
        NewLink(
          name: "eth0", kind: .veth(peer: VethPeer(name: InterfaceName("p\(pods.count)") ?? "p", namespace: world))))
      let port = try #require(try await socket.links.link(named: InterfaceName("p\(pods.count)") ?? "p"))
      var changes = LinkChanges(isUp: true)
      changes.master = .some(bridge.index)
      try await socket.links.change(port.index, changes)
      try await podSocket.links.change(link.index, LinkChanges(isUp: true))
      try await Self.address(link.index, endpoint.addresses, podSocket)
      let node = try nodes[endpoint.node] ?? KernelNode(endpoint.node ?? "nowhere")
      nodes[endpoint.node] = node
      let dispatcher = try node.datapath.makeDispatcher(endpoint: try node.wire(pod, endpoint))
      attachments[pod] = [
        PodHook(
          try await dispatcher.egress.attach(toTrafficControl: .egress, of: link.index.rawValue, in: namespace)),
        PodHook(
          try await dispatcher.ingress.attach(toTrafficControl: .ingress, of: link.index.rawValue, in: namespace)),
      ]
      pods[pod] = namespace
      for address in endpoint.addresses { owners[address] = pod }
    }
  }

  private static func namespace() async throws -> NetworkNamespace {
    let namespace = try await NetworkNamespace.makeAnonymous()
    try await skipDuplicateDetection(in: namespace)
    try await NetlinkSocket(in: namespace).links.change(.loopback, LinkChanges(isUp: true))
    return namespace
  }

  private static func address(_ index: InterfaceIndex, _ addresses: [IPAddress], _ socket: NetlinkSocket) async throws {
    for address in addresses {
      var entry = InterfaceAddress(index: index, address: address, prefixLength: address.family.bitWidth)
      if address.family == .ipv6 { entry.flags = .noDAD }
      try await socket.addresses.add(entry)
    }
    try await waitForDelivery(to: addresses, socket)
    for family in AddressFamily.allCases {
      try await socket.routes.add(
        Route(destination: nil, interface: index, scope: family == .ipv4 ? .link : nil, family: family))
    }
  }

  /// Puts policies into force on every node.
  func apply(_ policy: CompiledPolicy) async throws {
    for node in nodes.values { try await node.writer.apply(policy, endpoints: node.endpoints) }
  }

  /// The namespace that has an address.
  private func place(_ address: IPAddress) -> NetworkNamespace { owners[address].flatMap { pods[$0] } ?? world }

  /// Packets that policies dropped so far.
  func dropCount() throws -> UInt64 {
    try nodes.values.reduce(0) { count, node in
      let drops = try node.datapath.readDropCounters()
      return count + [DropReason.policy, .policyDeny, .endpointNotReady].reduce(0) { $0 + (drops[$1]?.packets ?? 0) }
    }
  }

  /// A connection that was begun, and who waits for it.
  struct Connection {
    var ipProtocol: IPProtocol
    var client: LiveSocket
    var server: LiveSocket
    /// What the server talks over, once the connection is there.
    var accepted: LiveSocket?

    /// Whether a byte goes there and comes back; nil: not yet.
    mutating func echo() -> Bool? {
      if ipProtocol == .udp {
        server.echoDatagram()
      } else {
        if accepted == nil { accepted = server.accept() }
        if let byte = accepted?.receive() { accepted?.send(byte) }
      }
      return client.receive() == nil ? nil : true
    }
  }

  /// Begins a connection.
  func connect(from source: IPAddress, to destination: IPAddress, _ ipProtocol: IPProtocol, _ port: UInt16) async throws
    -> Connection
  {
    nextPort += 1
    let sourcePort = nextPort
    let server = try await place(destination).run { try LiveSocket(ipProtocol, at: destination, port: port) }
    if ipProtocol != .udp { try server.listen() }
    let client = try await place(source).run { try LiveSocket(ipProtocol, at: source, port: sourcePort) }
    try client.connect(to: destination, port: port)
    return Connection(ipProtocol: ipProtocol, client: client, server: server)
  }

  /// Whether a connection is made and a byte comes back, or a program drops a packet first; nil: neither, for long.
  func outcome(
    from source: IPAddress, to destination: IPAddress, _ ipProtocol: IPProtocol, _ port: UInt16
  ) async throws -> Bool? {
    let before = try dropCount()
    var connection = try await connect(from: source, to: destination, ipProtocol, port)
    var isSent = false
    for _ in 0..<4000 {
      if !isSent { isSent = connection.client.send(0x54) }
      if let result = connection.echo() { return result }
      if try dropCount() != before { return false }
      try await Task.sleep(for: .milliseconds(1))
    }
    return nil
  }
}
