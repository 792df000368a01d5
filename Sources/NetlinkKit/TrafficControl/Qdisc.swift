// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A queueing discipline of a link.
public struct Qdisc: Sendable, Hashable {
  /// The link's index.
  public var interface: InterfaceIndex
  /// Its kind, by the kernel's name, such as `clsact` or `fq_codel`.
  public var kind: String
  /// Its number: major in the upper 16 bits, minor in the lower.
  public var handle: UInt32
  /// What it hangs on: another's handle, `0xffffffff` for the root, `0xfffffff1` for clsact.
  public var parent: UInt32
  /// What the kernel sent besides (`TCA_...`).
  public var otherAttributes = RawAttributes()
}

/// The queueing disciplines of a namespace: ``NetlinkSocket/qdiscs``.
public struct QdiscTable: Sendable {
  let socket: NetlinkSocket

  /// All queueing disciplines.
  ///
  /// - Parameter index: only those of this link; nil for all links. The kernel has no filter: this lists them all.
  /// - Returns: The queueing disciplines.
  /// - Throws: ``NetlinkError`` with code `interrupted` when they kept changing through all attempts.
  public func all(on index: InterfaceIndex? = nil) async throws(NetlinkError) -> [Qdisc] {
    try await socket.dump(ListQdiscs()).filter { index == nil || $0.interface == index }
  }

  /// Sees to it that a link has a clsact, where BPF programs attach in both directions.
  ///
  /// - Returns: whether it was not there before.
  /// - Throws: ``NetlinkError`` with code `busy` when an `ingress` discipline has its place, `notFound` when the link is
  ///   absent. A clsact that is there already is not an error.
  /// - Requires: `CAP_NET_ADMIN`; `sch_ingress`. `RTM_NEWQDISC`.
  @discardableResult
  public func ensureClsact(on index: InterfaceIndex) async throws(NetlinkError) -> Bool {
    let request = ChangeClsact(interface: index, isRemoval: false)
    do throws(NetlinkError) {
      try await socket.acknowledge(request)
      return true
    } catch  where error.code == .exists {
      let taken = try await all(on: index).first { $0.parent == TrafficControl.clsactParent }
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
    try await socket.acknowledge(ChangeClsact(interface: index, isRemoval: true))
  }
}
