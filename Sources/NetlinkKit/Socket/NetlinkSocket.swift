// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

/// A connection to the kernel's routing tables (`NETLINK_ROUTE`) in one network namespace.
///
/// The namespace is the one the socket was opened in, for its whole life, whichever thread or task uses it afterwards.
/// One request is under way at a time; others wait in line, in the order they came. Nothing blocks a thread of the
/// cooperative pool: the kernel answers most requests before `send` returns, and for the rest the task is suspended.
///
/// - Requires: nothing to read; `CAP_NET_ADMIN` in the namespace to change. Linux 6.1 or newer.
public actor NetlinkSocket {
  /// How long one request may take, counted from when it is sent.
  public nonisolated let timeout: Duration
  /// How often a dump is made before its inconsistency is reported as ``NetlinkError/Code/interrupted``.
  public nonisolated let dumpAttempts: Int

  let transport: any MessageTransport
  let writer = MessageWriter()
  let buffer = ReceiveBuffer()
  var sequence: UInt32 = 0
  var line = RequestLine()
  /// A request that was given up before its last message came: what is left of it must go before the next is sent.
  var isDraining = false

  /// Opens a socket in `namespace`.
  ///
  /// - Parameters:
  ///   - namespace: where the socket works, for its whole life. The caller may drop it afterwards.
  ///   - timeout: how long one request may take.
  ///   - dumpAttempts: how often a listing is made when the kernel says that it changed meanwhile; at least 1, or it traps.
  /// - Throws: ``NetlinkError`` with code `socket` when the namespace cannot be entered or the socket not be opened.
  public init(
    in namespace: NetworkNamespace, timeout: Duration = .seconds(60), dumpAttempts: Int = 8
  ) async throws(NetlinkError) {
    try await self.init(.route, in: namespace, timeout: timeout, dumpAttempts: dumpAttempts)
  }

  /// Opens a socket for `protocol` in `namespace`.
  init(
    _ protocol: NetlinkProtocol, in namespace: NetworkNamespace, timeout: Duration = .seconds(60), dumpAttempts: Int = 8
  ) async throws(NetlinkError) {
    let transport: KernelTransport
    do {
      transport = try await namespace.run { try KernelTransport(`protocol`) }
    } catch let error as TransportError {
      throw NetlinkError(opening: error)
    } catch {
      throw NetlinkError(.socket, operation: "open netlink socket", reason: "cannot enter the namespace: \(error)")
    }
    self.init(over: transport, timeout: timeout, dumpAttempts: dumpAttempts)
  }

  /// Opens a socket in the network namespace of the calling thread.
  ///
  /// - Parameters:
  ///   - timeout: how long one request may take.
  ///   - dumpAttempts: how often a listing is made when the kernel says that it changed meanwhile; at least 1, or it traps.
  /// - Throws: ``NetlinkError`` with code `socket`.
  public init(timeout: Duration = .seconds(60), dumpAttempts: Int = 8) throws(NetlinkError) {
    let transport: KernelTransport
    do {
      transport = try KernelTransport()
    } catch {
      throw NetlinkError(opening: error)
    }
    self.init(over: transport, timeout: timeout, dumpAttempts: dumpAttempts)
  }

  init(over transport: any MessageTransport, timeout: Duration = .seconds(60), dumpAttempts: Int = 8) {
    precondition(dumpAttempts >= 1, "a dump needs at least one attempt")
    self.transport = transport
    self.timeout = timeout
    self.dumpAttempts = dumpAttempts
  }

  /// The network devices.
  public nonisolated var links: LinkTable { LinkTable(socket: self) }
  /// The addresses of the links.
  public nonisolated var addresses: AddressTable { AddressTable(socket: self) }
  /// The routes, of all tables.
  public nonisolated var routes: RouteTable { RouteTable(socket: self) }
  /// The rules that choose a routing table.
  public nonisolated var rules: RuleTable { RuleTable(socket: self) }
  /// The neighbour (ARP and NDP) entries.
  public nonisolated var neighbours: NeighbourTable { NeighbourTable(socket: self) }
  /// The queueing disciplines, clsact among them.
  public nonisolated var qdiscs: QdiscTable { QdiscTable(socket: self) }
  /// The traffic control filters at clsact.
  public nonisolated var filters: FilterTable { FilterTable(socket: self) }
}

extension NetlinkError {
  init(opening error: TransportError) {
    self.init(
      .socket, operation: "open netlink socket", reason: "\(error.call) failed", errno: error.errno)
  }
}
