// SPDX-License-Identifier: Apache-2.0

public import NetlinkKit
internal import NetworkTypes

/// A small kernel in memory, to test code that uses NetlinkKit without privileges and without a real network.
///
/// ```swift
/// let kernel = FakeKernel()
/// kernel.fail(call: 4, with: .busy)
/// await #expect(throws: NetlinkError.self) { try await wirePod("pod0", over: kernel.socket) }
/// #expect(kernel.links.map(\.name) == ["lo"])
/// ```
///
/// It keeps links, addresses, routes, rules, neighbours, queueing disciplines and filters, and answers requests about them
/// with the error numbers of the real one. It starts with `lo`, which is down, and the kernel's own rules. What it does
/// not know is `notSupported`, as in a kernel without the module.
///
/// It is one namespace: a link that is born in or moved to another is gone. It sends no packets, and makes no routes or
/// addresses by itself: what is in ``routes`` was added.
public final class FakeKernel: Sendable {
  /// A socket in this kernel, always the same one.
  public let socket: NetlinkSocket
  let core: FakeCore

  /// The port that ``socket`` has.
  public static let port: UInt32 = 4242

  /// The kinds of links that can be created unless said otherwise.
  public static let usualLinkKinds: Set<String> = [
    "bond", "bridge", "dummy", "geneve", "gre", "gretap", "ifb", "ip6gre", "ip6tnl", "ipip", "ipvlan", "ipvtap",
    "macvlan",
    "macvtap", "netkit", "nlmon", "sit", "team", "veth", "vlan", "vrf", "vxlan", "wireguard",
  ]

  /// Starts a kernel.
  ///
  /// - Parameters:
  ///   - linkKinds: the kinds of links that can be created, by the kernel's names; others are `notSupported`.
  ///   - timeout: how long ``socket`` waits for an answer that does not come; short, since only a fault makes it wait.
  ///   - dumpAttempts: how often ``socket`` makes a listing that was interrupted.
  public init(
    linkKinds: Set<String> = FakeKernel.usualLinkKinds, timeout: Duration = .seconds(1), dumpAttempts: Int = 8
  ) {
    core = FakeCore(KernelState(linkKinds: linkKinds))
    socket = NetlinkSocket(
      over: FakeTransport(core, port: FakeKernel.port), timeout: timeout, dumpAttempts: dumpAttempts)
  }

  /// Opens another socket in this kernel.
  ///
  /// - Parameters:
  ///   - timeout: how long one request may take.
  ///   - dumpAttempts: how often a listing is made when it is interrupted; at least 1, or it traps.
  /// - Returns: A socket with a port of its own.
  public func makeSocket(timeout: Duration = .seconds(1), dumpAttempts: Int = 8) -> NetlinkSocket {
    NetlinkSocket(over: FakeTransport(core, port: core.nextPort()), timeout: timeout, dumpAttempts: dumpAttempts)
  }

  /// What happens in this kernel: a listing, then each change.
  ///
  /// Of routes that vanish with their link nobody is told, as in the real one. Faults that are planned for listings strike
  /// the monitor's too.
  ///
  /// - Parameter subjects: which objects to watch.
  /// - Returns: A monitor, like one of a namespace.
  public func monitor(of subjects: NetlinkEvent.Subjects = .all) -> NetlinkMonitor {
    let core = core
    return NetlinkMonitor(of: subjects) {
      let events = FakeTransport(core, port: core.nextPort(), watching: subjects)
      return (events, NetlinkSocket(over: FakeTransport(core, port: core.nextPort())))
    }
  }

  func withState<Result: Sendable>(_ body: (inout FakeCore.State) -> Result) -> Result { core.withState(body) }
}

extension FakeKernel {
  /// The links, by index.
  public var links: [Link] {
    ReplyReaders.links.values(in: withState { $0.kernel.linksInOrder.datagram(.newLink) })
  }

  /// The addresses, in the order they were added.
  public var addresses: [InterfaceAddress] {
    ReplyReaders.addresses.values(in: withState { $0.kernel.addresses.datagram(.newAddress) })
  }

  /// The routes that were added, in that order.
  public var routes: [Route] {
    ReplyReaders.routes.values(in: withState { $0.kernel.routes.datagram(.newRoute) })
  }

  /// The rules in the order they are tried, IPv4 before IPv6, the kernel's own among them.
  public var rules: [Rule] {
    let all = ReplyReaders.rules.values(in: withState { $0.kernel.rulesInOrder.datagram(.newRule) })
    return all.filter { $0.family == .ipv4 } + all.filter { $0.family == .ipv6 }
  }

  /// The neighbours, proxy entries among them, in the order they were added.
  public var neighbours: [Neighbour] {
    ReplyReaders.neighbours.values(in: withState { $0.kernel.neighbours.datagram(.newNeighbour) })
  }

  /// The queueing disciplines that were added.
  public var qdiscs: [Qdisc] {
    ReplyReaders.qdiscs.values(in: withState { $0.kernel.qdiscs.datagram(.newQdisc) })
  }

  /// The filters at clsact, in the order packets meet them.
  ///
  /// The fake kernel looks at no program: a program's `identifier` is the number of the descriptor.
  public var filters: [TrafficFilter] {
    ReplyReaders.filters.values(in: withState { $0.kernel.filters.datagram(.newFilter) })
  }

  /// What sockets asked for, batches taken apart, in that order; also what a fault struck.
  public var requests: [Request] { withState { $0.requests } }

  /// What sockets sent, each batch in one piece.
  public var datagrams: [[UInt8]] { withState { $0.datagrams } }
}
