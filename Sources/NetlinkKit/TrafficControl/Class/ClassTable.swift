// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The classes of queueing disciplines: ``NetlinkSocket/classes``.
///
/// ```swift
/// try await socket.classes.replace(
///   TrafficClass(
///     interface: link.index, parent: TrafficHandle(major: 1), handle: TrafficHandle(major: 1, minor: 0x10),
///     settings: .htb(.init(rate: RateLimit(.megabits(10)), ceiling: RateLimit(.megabits(100))))))
/// ```
public struct ClassTable: Sendable {
  let socket: NetlinkSocket

  /// The classes of a link.
  ///
  /// Some kinds have classes without being asked: one for each queue, band or flow.
  ///
  /// - Parameters:
  ///   - index: the link; the kernel lists those of one link at a time.
  ///   - qdisc: only those of the queueing discipline with this handle, which the kernel sorts out; nil for all.
  /// - Returns: The classes. An absent link has none.
  /// - Throws: ``NetlinkError`` with code `interrupted` when they kept changing through all attempts.
  public func all(
    on index: InterfaceIndex, of qdisc: TrafficHandle? = nil
  ) async throws(NetlinkError) -> [TrafficClass] {
    try await socket.dump(ListClasses(interface: index, qdisc: qdisc ?? .unspecified))
  }

  /// Adds a class.
  ///
  /// A parent class that is absent is no error to `htb`: the class is made in no other.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when its number is taken, `notFound` when the link or the queueing
  ///   discipline is absent, `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWTCLASS`.
  public func add(_ class: TrafficClass) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeClass(change: .add, class: `class`))
  }

  /// Adds a class, or changes the one with that number.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``, without `exists`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWTCLASS`.
  public func replace(_ class: TrafficClass) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeClass(change: .replace, class: `class`))
  }

  /// Changes a class that is there.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none with that number, `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWTCLASS`.
  public func change(_ class: TrafficClass) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeClass(change: .change, class: `class`))
  }

  /// Removes a class, with the queueing discipline in it; only link and number count.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none, `busy` when it has others inside or a filter
  ///   points to it.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELTCLASS`.
  public func remove(_ class: TrafficClass) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeClass(change: .remove, class: `class`))
  }
}
