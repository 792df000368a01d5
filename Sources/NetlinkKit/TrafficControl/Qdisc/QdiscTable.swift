// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The queueing disciplines of a namespace: ``NetlinkSocket/qdiscs``.
///
/// ```swift
/// try await socket.qdiscs.replace(
///   Qdisc(interface: link.index, handle: TrafficHandle(major: 1), settings: .htb(.init(defaultClass: 0x10))))
/// ```
public struct QdiscTable: Sendable {
  let socket: NetlinkSocket

  /// All queueing disciplines.
  ///
  /// - Parameters:
  ///   - index: only those of this link; nil for all links. The kernel has no filter, strict checking or not: it lists
  ///     them all, and those of other links are passed over.
  ///   - includesInvisible: whether those are listed too that the kernel made itself inside others, such as the queue of
  ///     a new `htb` class.
  /// - Returns: The queueing disciplines. An absent link has none.
  /// - Throws: ``NetlinkError`` with code `interrupted` when they kept changing through all attempts.
  public func all(
    on index: InterfaceIndex? = nil, includesInvisible: Bool = false
  ) async throws(NetlinkError) -> [Qdisc] {
    try await socket.dump(ListQdiscs(interface: index, includesInvisible: includesInvisible))
  }

  /// The queueing discipline at one place of one link; nil when there is none, or no such link.
  ///
  /// It costs one answer however many links there are. But the kernel tells everybody who watches traffic control, as if
  /// the queueing discipline were new; ``all(on:includesInvisible:)`` is silent.
  ///
  /// - Parameters:
  ///   - index: the link.
  ///   - parent: the root, the place of `clsact`, or a class.
  /// - Returns: The queueing discipline.
  /// - Throws: ``NetlinkError``; absence is not an error.
  /// - Requires: nothing. `RTM_GETQDISC` with `NLM_F_ECHO`.
  public func qdisc(on index: InterfaceIndex, at parent: TrafficHandle) async throws(NetlinkError) -> Qdisc? {
    do throws(NetlinkError) {
      return try await socket.lookUp(FindQdisc(interface: index, parent: parent))
    } catch  where error.code == .notFound || error.code == .invalidArgument {
      return nil
    }
  }

  /// Adds a queueing discipline; what the kernel put there by itself is no obstacle.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when another has that place or number, `notFound` when the link is
  ///   absent or the kernel does not have the kind, `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`; the kind's module, such as `sch_htb`. `RTM_NEWQDISC`.
  public func add(_ qdisc: Qdisc) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeQdisc(change: .add, qdisc: qdisc))
  }

  /// Adds a queueing discipline, or changes the one of that kind and number at that place, or puts it in the place of one
  /// of another kind or number.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``, without `exists`; `notSupported` when the settings of one of that kind
  ///   and number cannot be changed, as those of `htb`.
  /// - Requires: `CAP_NET_ADMIN`; the kind's module. `RTM_NEWQDISC` with `NLM_F_REPLACE`.
  public func replace(_ qdisc: Qdisc) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeQdisc(change: .replace, qdisc: qdisc))
  }

  /// Changes the settings of a queueing discipline that is there; those that are nil stay as they are.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none with that number at that place,
  ///   `invalidArgument` when it is of another kind, `notSupported` when its settings cannot be changed.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWQDISC`.
  public func change(_ qdisc: Qdisc) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeQdisc(change: .change, qdisc: qdisc))
  }

  /// Removes a queueing discipline, with all its classes and filters; at the root the kernel puts its own choice there.
  ///
  /// Only place, number and kind count.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none of that number and kind at that place. One that
  ///   the kernel put there itself cannot be removed, and is not found.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELQDISC`.
  public func remove(_ qdisc: Qdisc) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeQdisc(change: .remove, qdisc: qdisc))
  }

  /// Sees to it that a link has a clsact, where BPF programs attach in both directions.
  ///
  /// - Returns: whether it was not there before.
  /// - Throws: ``NetlinkError`` with code `busy` when an `ingress` discipline has its place, `notFound` when the link is
  ///   absent. A clsact that is there already is not an error.
  /// - Requires: `CAP_NET_ADMIN`; `sch_ingress`. `RTM_NEWQDISC`.
  @discardableResult
  public func ensureClsact(on index: InterfaceIndex) async throws(NetlinkError) -> Bool {
    let request = ChangeQdisc(change: .add, qdisc: Qdisc(interface: index, settings: .clsact))
    do throws(NetlinkError) {
      try await socket.acknowledge(request)
      return true
    } catch  where error.code == .exists {
      let taken = try await all(on: index).first { $0.parent == .clsact }
      guard let taken, taken.kind != "clsact" else { return false }
      throw NetlinkError(
        .busy, operation: request.operation,
        reason: "a qdisc of kind \"\(taken.kind)\" has its place; remove it first", request: request.name)
    }
  }

  /// Removes a link's clsact, and all filters at it.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent or has none.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELQDISC`.
  public func removeClsact(on index: InterfaceIndex) async throws(NetlinkError) {
    try await remove(Qdisc(interface: index, settings: .clsact))
  }
}
