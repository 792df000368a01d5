// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
internal import NetworkTypes

/// Kinds of queueing disciplines, filters and actions, each found out by making one in a namespace that is thrown away.
extension KernelFeature {
  /// Queueing disciplines of kind `clsact`.
  public static let clsactQdisc = qdisc("clsact", KernelVersion(4, 5), .clsact)
  /// Queueing disciplines of kind `fq`.
  public static let fqQdisc = qdisc("fq", KernelVersion(3, 12), .fq())
  /// Queueing disciplines of kind `fq_codel`.
  public static let fqCodelQdisc = qdisc("fq_codel", KernelVersion(3, 5), .fqCodel())
  /// Queueing disciplines of kind `tbf`.
  public static let tbfQdisc = qdisc(
    "tbf", KernelVersion(2, 6, 0),
    .tbf(.init(rate: RateLimit(.megabits(1)), burst: .bytes(2000), limit: 3000)))
  /// Queueing disciplines of kind `htb`.
  public static let htbQdisc = qdisc("htb", KernelVersion(2, 6, 0), .htb())
  /// Queueing disciplines of kind `prio`.
  public static let prioQdisc = qdisc("prio", KernelVersion(2, 6, 0), .prio())

  /// Filters of kind `u32`.
  public static let u32Filter = filter("u32", KernelVersion(2, 6, 0), .u32(.init()))
  /// Filters of kind `matchall`.
  public static let matchallFilter = filter("matchall", KernelVersion(4, 8), .matchall)

  /// Actions of kind `gact`.
  public static let gactAction = action("gact", KernelVersion(2, 6, 9)) { _ in .verdict(.pass) }
  /// Actions of kind `mirred`.
  public static let mirredAction = action("mirred", KernelVersion(2, 6, 9)) { .mirror(to: $0) }
  /// Actions of kind `skbedit`.
  public static let skbeditAction = action("skbedit", KernelVersion(2, 6, 29)) { _ in
    TrafficAction(.skbedit(.init(mark: 1)))
  }
  /// Actions of kind `tunnel_key`.
  public static let tunnelKeyAction = action("tunnel_key", KernelVersion(4, 9)) { _ in
    TrafficAction(.tunnelKey(.unset))
  }
  /// Actions of kind `vlan`.
  public static let vlanAction = action("vlan", KernelVersion(3, 19)) { _ in TrafficAction(.vlan(.pop)) }

  private static func qdisc(_ name: String, _ minimum: KernelVersion, _ settings: QdiscSettings) -> KernelFeature {
    probe("sch_\(name)", minimum) { socket, link in
      try await socket.qdiscs.replace(Qdisc(interface: link, settings: settings))
    }
  }

  private static func filter(_ name: String, _ minimum: KernelVersion, _ settings: FilterSettings) -> KernelFeature {
    probe("cls_\(name)", minimum) { socket, link in
      try await socket.qdiscs.ensureClsact(on: link)
      try await socket.filters.add(TrafficFilter(on: link, at: .clsactEgress, priority: 1, settings: settings))
    }
  }

  /// Tried with `u32`, which nearly every kernel has.
  private static func action(
    _ name: String, _ minimum: KernelVersion, _ action: @escaping @Sendable (InterfaceIndex) -> TrafficAction
  ) -> KernelFeature {
    probe("act_\(name)", minimum) { socket, link in
      try await socket.qdiscs.ensureClsact(on: link)
      try await socket.filters.add(
        TrafficFilter(
          on: link, at: .clsactEgress, priority: 1, settings: .u32(.init()), actions: [action(.loopback)]))
    }
  }

  private static func probe(
    _ name: String, _ minimum: KernelVersion,
    _ attempt: @escaping @Sendable (NetlinkSocket, InterfaceIndex) async throws -> Void
  ) -> KernelFeature {
    KernelFeature(name, minimumKernel: minimum) {
      do {
        let socket = try await NetlinkSocket(in: try await NetworkNamespace.makeAnonymous())
        try await attempt(socket, .loopback)
        return .available
      } catch {
        return .missing(reason: "\(error)")
      }
    }
  }
}
