// SPDX-License-Identifier: Apache-2.0

import LinuxSystem
import NetlinkKit
import NetworkTypes

/// A device that programs are to be attached at, and what has to be known for it.
struct Device: Sendable {
  let argument: DeviceArgument
  let namespace: NetworkNamespace
  let link: Link
  let role: DeviceArgument.Role
  /// The pod's addresses; of a node's device, its own.
  let address: IPv4Address?
  let address6: IPv6Address?

  /// Looks at a device.
  ///
  /// - Throws: `Failure`, which names the device and says what helps.
  init(_ argument: DeviceArgument) async throws {
    self.argument = argument
    namespace = try argument.open()
    let socket = try await NetlinkSocket(in: namespace)
    guard let link = try await socket.links.link(named: argument.device) else {
      let others = try await socket.links.all().map(\.name.rawValue).filter { $0 != "lo" }.sorted()
      throw Failure(
        .unavailable,
        "--attach \(argument): there is no device \(argument.device) in "
          + (argument.namespace.isEmpty ? "this network namespace" : "network namespace \(argument.namespace)")
          + (others.isEmpty ? ", nor any other but lo" : "; there are \(others.joined(separator: ", "))"))
    }
    guard link.hardwareType == 1 else {
      throw Failure(
        .unavailable,
        "--attach \(argument): \(argument.device) carries no Ethernet frames, which the programs need; make a netkit "
          + "pair in mode l2, or use another device")
    }
    self.link = link
    role = try await Self.role(of: link, argument, socket, namespace)
    let addresses = try await Self.addresses(of: link, role, socket)
    address = try Self.only(
      addresses.compactMap { if case .v4(let it) = $0 { it } else { nil } }, "IPv4", argument, role)
    address6 = try Self.only(
      addresses.compactMap { if case .v6(let it) = $0 { it } else { nil } }, "IPv6", argument, role)
    guard role == .node || address != nil || address6 != nil else {
      throw Failure(
        .unavailable,
        role == .host
          ? "--attach \(argument): no address of the pod behind \(argument.device) is known; give the pod's end one, or "
            + "a route to it; where \(argument.device) is one of the node, write \(argument)=node"
          : "--attach \(argument): \(argument.device) has no address; give it the pod's first")
    }
  }

  /// What all ipvlan slaves of one parent in mode L2 have in common, as they reach each other without a gateway; else 0.
  var parent: UInt32 {
    guard case .ipvlan(_, .l2, _)? = link.kind, let station = link.address else { return 0 }
    // They share the parent's station.
    let hash = station.bytes.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    return max(hash, 1)
  }

  // A namespace that forwards is a node's, and so is that of this command. There a pair without the default route leads to
  // a pod, and every other device out.
  private static func role(
    of link: Link, _ argument: DeviceArgument, _ socket: NetlinkSocket, _ namespace: NetworkNamespace
  ) async throws -> DeviceArgument.Role {
    if let role = argument.role { return role }
    var isNode = argument.namespace.isEmpty
    for path in ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"] where !isNode {
      isNode = (try? await Sysctl.read(path, in: namespace)) == "1"
    }
    guard isNode else { return .pod }
    switch link.kind {
    case .veth, .netkit: break
    default: return .node
    }
    for family in AddressFamily.allCases {
      let routes = try await socket.routes.all(family: family)
      if routes.contains(where: { $0.destination == nil && $0.interface == link.index }) { return .node }
    }
    return .host
  }

  private static func addresses(
    of link: Link, _ role: DeviceArgument.Role, _ socket: NetlinkSocket
  ) async throws -> [IPAddress] {
    var found: [InterfaceAddress]
    switch (role, link.parentIndex, link.parentNamespaceID) {
    case (.host, let peer?, let id?): found = try await socket.addresses.all(on: peer, inNamespace: id)
    case (.host, let peer?, nil): found = try await socket.addresses.all(on: peer)
    case (.host, nil, _): found = []
    default: found = try await socket.addresses.all(on: link.index)
    }
    found = found.filter { $0.scope == .universe && (!$0.flags.contains(.temporary) || $0.address.family == .ipv4) }
    guard role == .host, found.isEmpty else { return found.map(\.address) }
    // Routes to hosts by the node's end are the pod's addresses.
    var hosts: [IPAddress] = []
    for family in AddressFamily.allCases {
      for route in try await socket.routes.all(table: .main, family: family) where route.interface == link.index {
        if let host = route.destination, host == IPCIDR(host: host.address), route.gateway == nil {
          hosts.append(host.address)
        }
      }
    }
    return hosts
  }

  private static func only<Address>(
    _ addresses: [Address], _ family: String, _ argument: DeviceArgument, _ role: DeviceArgument.Role
  ) throws -> Address? {
    guard addresses.count > 1, role != .node else { return addresses.first }
    throw Failure(
      .unavailable,
      "--attach \(argument): there are \(addresses.count) \(family) addresses "
        + "(\(addresses.map { "\($0)" }.joined(separator: ", "))), and a pod has one; take away those that are not the "
        + "pod's")
  }
}
