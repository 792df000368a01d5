// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

/// A connection to the kernel's routing tables (`NETLINK_ROUTE`) in one network namespace.
///
/// The namespace is the one the socket was opened in, for its whole life, whichever thread or task uses it afterwards.
/// One request is under way at a time; others wait in line, in the order they came. A request runs where its caller
/// runs, without a change of executor, and nothing blocks a thread of the cooperative pool: the kernel answers most
/// requests before `send` returns, and for the rest the task is suspended.
///
/// - Requires: nothing to read; `CAP_NET_ADMIN` in the namespace to change. Linux 6.1 or newer.
public final class NetlinkSocket: Sendable {
  /// How long one request may take, counted from its first wait for the kernel.
  public let timeout: Duration
  /// How often a dump is made before its inconsistency is reported as ``NetlinkError/Code/interrupted``.
  public let dumpAttempts: Int

  /// ``timeout`` in nanoseconds: reckoning with durations costs as much as a request is to cost.
  let timeoutNanoseconds: Int64
  /// To be touched only by who has the turn in ``line``.
  let channel: Channel
  let line = RequestLine()

  /// Opens a socket in `namespace`.
  ///
  /// - Parameters:
  ///   - namespace: where the socket works, for its whole life. The caller may drop it afterwards.
  ///   - timeout: how long one request may take.
  ///   - dumpAttempts: how often a listing is made when the kernel says that it changed meanwhile; at least 1, or it traps.
  /// - Throws: ``NetlinkError`` with code `socket` when the namespace cannot be entered or the socket not be opened.
  public convenience init(
    in namespace: NetworkNamespace, timeout: Duration = .seconds(60), dumpAttempts: Int = 8
  ) async throws(NetlinkError) {
    try await self.init(.route, in: namespace, timeout: timeout, dumpAttempts: dumpAttempts)
  }

  /// Opens a socket for `protocol` in `namespace`.
  convenience init(
    _ protocol: NetlinkProtocol, in namespace: NetworkNamespace, timeout: Duration = .seconds(60), dumpAttempts: Int = 8
  ) async throws(NetlinkError) {
    let transport = try await NetlinkSocket.transport(in: namespace) { () throws(TransportError) in
      try KernelTransport(`protocol`)
    }
    self.init(over: transport, timeout: timeout, dumpAttempts: dumpAttempts)
  }

  /// Opens a socket in the network namespace of the calling thread.
  ///
  /// - Parameters:
  ///   - timeout: how long one request may take.
  ///   - dumpAttempts: how often a listing is made when the kernel says that it changed meanwhile; at least 1, or it traps.
  /// - Throws: ``NetlinkError`` with code `socket`.
  public convenience init(timeout: Duration = .seconds(60), dumpAttempts: Int = 8) throws(NetlinkError) {
    let transport: KernelTransport
    do {
      transport = try KernelTransport()
    } catch {
      throw NetlinkError(opening: error)
    }
    self.init(over: transport, timeout: timeout, dumpAttempts: dumpAttempts)
  }

  /// Opens a transport on a thread that is in `namespace`.
  static func transport(
    in namespace: NetworkNamespace, _ open: @escaping @Sendable () throws(TransportError) -> KernelTransport
  ) async throws(NetlinkError) -> KernelTransport {
    do {
      return try await namespace.run { try open() }
    } catch let error as TransportError {
      throw NetlinkError(opening: error)
    } catch {
      throw NetlinkError(.socket, operation: "open netlink socket", reason: "cannot enter the namespace: \(error)")
    }
  }

  /// Speaks over `transport`, such as a stand-in for the kernel.
  package init(over transport: any MessageTransport, timeout: Duration = .seconds(60), dumpAttempts: Int = 8) {
    precondition(dumpAttempts >= 1, "a dump needs at least one attempt")
    channel = Channel(transport)
    self.timeout = timeout
    timeoutNanoseconds = max(0, timeout.wholeNanoseconds)
    self.dumpAttempts = dumpAttempts
  }

  /// The network devices.
  public var links: LinkTable { LinkTable(socket: self) }
  /// The addresses of the links.
  public var addresses: AddressTable { AddressTable(socket: self) }
  /// The routes, of all tables.
  public var routes: RouteTable { RouteTable(socket: self) }
  /// The rules that choose a routing table.
  public var rules: RuleTable { RuleTable(socket: self) }
  /// The neighbour (ARP and NDP) entries.
  public var neighbours: NeighbourTable { NeighbourTable(socket: self) }
  /// The forwarding entries of bridges and tunnels.
  public var forwarding: ForwardingTable { ForwardingTable(socket: self) }
  /// The queueing disciplines, clsact among them.
  public var qdiscs: QdiscTable { QdiscTable(socket: self) }
  /// The classes of queueing disciplines.
  public var classes: ClassTable { ClassTable(socket: self) }
  /// The traffic control filters.
  public var filters: FilterTable { FilterTable(socket: self) }
}

extension NetlinkError {
  init(opening error: TransportError) {
    self.init(
      .socket, operation: "open netlink socket", reason: "\(error.call) failed", errno: error.errno)
  }
}
