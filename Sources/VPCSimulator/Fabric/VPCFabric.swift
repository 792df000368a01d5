// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
internal import NetlinkKit
public import NetworkTypes
internal import SystemPackage

/// A VPC made of Linux: one namespace that routes between the NICs it hot-plugs into the namespaces of nodes.
///
/// What a VPC promises is what the ports do: any assigned address is reachable from any NIC, whichever vSwitch; ARP
/// for it is answered by the VPC; the gateway answers on every port; a frame from an address that is not assigned to
/// the NIC that sends it is dropped, and counted (``spoofedPackets()``).
///
/// ```swift
/// let fabric = try await VPCFabric()
/// await fabric.register(node: "i-1", namespace: nodeNamespace)
/// try await fabric.attach(port)          // a NIC with the ENI's MAC address appears in the node
/// try await fabric.close()
/// ```
///
/// All of it goes with the object: nothing is left on the machine but the NICs' absence.
public actor VPCFabric: Fabric {
  /// The namespace that is the VPC.
  public nonisolated let namespace: NetworkNamespace

  private struct Port {
    var configuration: FabricPort
    /// The VPC's end.
    var index: InterfaceIndex
    /// The NIC's name in the node.
    var nic: InterfaceName
    /// What is forwarded to it.
    var addresses: [IPv4Address] = []
  }

  private let socket: NetlinkSocket
  private var nodes: [String: NetworkNamespace] = [:]
  private var ports: [String: Port] = [:]
  private var nextPort = 1
  private let lock = SerialLock()

  /// Makes an empty VPC.
  ///
  /// - Throws: `kernel`.
  /// - Requires: Root. veth, policy-free IPv4 forwarding in a namespace of its own.
  public init() async throws(FabricError) {
    (namespace, socket) = try await Self.makeNamespace()
  }

  private static func makeNamespace() async throws(FabricError) -> (NetworkNamespace, NetlinkSocket) {
    do {
      let namespace = try await NetworkNamespace.makeAnonymous()
      for setting in FabricSettings.namespace {
        do {
          try await Sysctl.write(setting.value, to: setting.path, in: namespace)
        } catch {
          // A kernel without IPv6 lacks its settings, and needs none.
          guard error.code == .notFound, setting.path.hasPrefix("net/ipv6") else { throw error }
        }
      }
      let socket = try await NetlinkSocket(in: namespace)
      try await socket.links.change(.loopback, LinkChanges(isUp: true))
      return (namespace, socket)
    } catch {
      throw FabricError(code: .kernel, message: "make the VPC's namespace", underlying: error)
    }
  }

  /// Says where the NICs of an instance appear.
  ///
  /// Replaces an earlier answer for the same instance.
  ///
  /// - Parameters:
  ///   - node: The instance's identifier.
  ///   - namespace: The node's network namespace.
  public func register(node: String, namespace: NetworkNamespace) { nodes[node] = namespace }

  /// Forgets a node.
  ///
  /// Its NICs stay until they are detached.
  ///
  /// - Parameter node: The instance's identifier.
  public func unregister(node: String) { nodes[node] = nil }

  /// The name a network interface's NIC got in its node; `nil` when it is not attached.
  ///
  /// - Parameter eni: The network interface's identifier.
  /// - Returns: `eth0` for the first NIC of a node, then the next free name.
  public func nic(of eni: String) -> InterfaceName? { ports[eni]?.nic }

  /// Packets dropped because their source address is not assigned to the NIC that sent them.
  ///
  /// - Returns: The count since the VPC was made (`IPReversePathFilter`).
  /// - Throws: `kernel` when the counter can't be read.
  public func spoofedPackets() async throws(FabricError) -> UInt64 {
    do {
      let text = try await namespace.run { try FileSystem.text(of: "/proc/thread-self/net/netstat") }
      return NetworkStatistics(text)["TcpExt", "IPReversePathFilter"] ?? 0
    } catch {
      throw FabricError(code: .kernel, message: "read the VPC's drop counter", underlying: error)
    }
  }

  // MARK: Fabric

  /// Makes the NIC appear in the node's namespace, down, as hot-plugged NICs do.
  ///
  /// - Parameter port: The network interface.
  /// - Throws: ``FabricError``: `unknownNode`; `exists` when it is attached already or an address is another's;
  ///   `kernel`. Nothing is left of the NIC then.
  public func attach(_ port: FabricPort) async throws {
    try await lock.locked { try await attachLocked(port) }
  }

  /// Takes the NIC away from its node.
  ///
  /// No NIC is not an error.
  ///
  /// - Parameter eni: The network interface's identifier.
  /// - Throws: ``FabricError``: `kernel`.
  public func detach(_ eni: String) async throws {
    try await lock.locked { try await detachLocked(eni) }
  }

  /// Replaces the addresses that are forwarded to, and accepted from, a NIC.
  ///
  /// - Parameters:
  ///   - addresses: All of them.
  ///   - eni: The network interface's identifier.
  /// - Throws: ``FabricError``: `notFound` when it is not attached; `exists` when an address is another's; `kernel`.
  public func setAddresses(_ addresses: [IPv4Address], of eni: String) async throws {
    try await lock.locked { try await setAddressesLocked(addresses, of: eni) }
  }

  /// Takes all NICs away.
  ///
  /// The VPC's namespace goes with the object.
  ///
  /// - Throws: ``FabricError``: `kernel`, for the first NIC that would not go; the others are gone.
  public func close() async throws {
    var failure: (any Error)?
    for eni in ports.keys.sorted() {
      do { try await detach(eni) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
  }

  // MARK: Under the lock

  private func attachLocked(_ port: FabricPort) async throws(FabricError) {
    guard let node = nodes[port.node] else {
      throw FabricError(
        code: .unknownNode, message: "attach \(port.eni): no node \"\(port.node)\"; register its namespace first")
    }
    guard ports[port.eni] == nil else {
      throw FabricError(code: .exists, message: "attach \(port.eni): it is attached already; detach it first")
    }
    try checkFree(port.addresses, for: port.eni)
    let link = try name("port\(nextPort)", for: port)
    nextPort += 1
    do {
      let nic = try await freeName(in: node)
      try await socket.links.create(
        NewLink(
          name: link,
          kind: .veth(peer: VethPeer(name: nic, namespace: node, mtu: nil, address: port.mac, isUp: false))))
      do {
        guard let index = try await socket.links.link(named: link)?.index else {
          throw FabricError(code: .kernel, message: "attach \(port.eni): \(link) vanished")
        }
        try await socket.links.change(index, LinkChanges(isUp: true, alias: "vpc:\(port.eni)"))
        for setting in FabricSettings.port(link) {
          try await Sysctl.write(setting.value, to: setting.path, in: namespace)
        }
        try await socket.addresses.add(
          InterfaceAddress(index: index, address: .v4(port.gateway), prefixLength: 32))
        ports[port.eni] = Port(configuration: port, index: index, nic: nic)
        try await setAddressesLocked(port.addresses, of: port.eni)
      } catch {
        ports[port.eni] = nil
        if let index = try? await socket.links.link(named: link)?.index { try? await socket.links.remove(index) }
        throw error
      }
    } catch let error as FabricError {
      throw error
    } catch {
      throw FabricError(code: .kernel, message: "attach \(port.eni) to \(port.node)", underlying: error)
    }
  }

  private func detachLocked(_ eni: String) async throws(FabricError) {
    guard let port = ports[eni] else { return }
    do {
      try await socket.links.remove(port.index)
    } catch  where error.code == .notFound {
      // The node's namespace went away and took the pair along.
    } catch {
      throw FabricError(code: .kernel, message: "detach \(eni)", underlying: error)
    }
    ports[eni] = nil
  }

  private func setAddressesLocked(_ addresses: [IPv4Address], of eni: String) async throws(FabricError) {
    guard let port = ports[eni] else {
      throw FabricError(code: .notFound, message: "set addresses of \(eni): it is not attached")
    }
    try checkFree(addresses, for: eni)
    let change = AddressChange(from: port.addresses, to: addresses)
    do {
      for address in change.removed {
        try await removeAddress(address, from: port)
        ports[eni]?.addresses.removeAll { $0 == address }
      }
      for address in change.added {
        // Remembered first: a half-made entry is removed with the rest.
        ports[eni]?.addresses.append(address)
        try await socket.neighbours.replace(
          Neighbour(interface: port.index, address: .v4(address), linkLayerAddress: port.configuration.mac))
        try await socket.routes.replace(route(to: address, port: port))
      }
    } catch {
      throw FabricError(code: .kernel, message: "set addresses of \(eni)", underlying: error)
    }
  }

  private func removeAddress(_ address: IPv4Address, from port: Port) async throws(NetlinkError) {
    do throws(NetlinkError) {
      try await socket.routes.remove(route(to: address, port: port))
    } catch  where error.code == .notFound {}
    do throws(NetlinkError) {
      try await socket.neighbours.remove(
        Neighbour(interface: port.index, address: .v4(address), linkLayerAddress: port.configuration.mac))
    } catch  where error.code == .notFound {}
  }

  private func route(to address: IPv4Address, port: Port) -> Route {
    Route(destination: IPCIDR(host: .v4(address)), interface: port.index, scope: .link)
  }

  private func checkFree(_ addresses: [IPv4Address], for eni: String) throws(FabricError) {
    for (other, port) in ports where other != eni {
      if let taken = addresses.first(where: port.addresses.contains) {
        throw FabricError(code: .exists, message: "\(taken) is assigned to \(other); \(eni) can't have it too")
      }
    }
  }

  private func freeName(in node: NetworkNamespace) async throws(NetlinkError) -> InterfaceName {
    let taken = Set(try await NetlinkSocket(in: node).links.all().map(\.name.rawValue))
    var number = 0
    while taken.contains("eth\(number)") { number += 1 }
    guard let name = InterfaceName("eth\(number)") else { preconditionFailure("eth\(number) is a link name") }
    return name
  }

  private func name(_ text: String, for port: FabricPort) throws(FabricError) -> InterfaceName {
    guard let name = InterfaceName(text) else {
      throw FabricError(code: .invalidArgument, message: "attach \(port.eni): \"\(text)\" is no link name")
    }
    return name
  }
}
