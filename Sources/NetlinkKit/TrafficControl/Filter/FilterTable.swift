// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The filters of queueing disciplines, classes and blocks: ``NetlinkSocket/filters``.
///
/// ```swift
/// try await socket.filters.add(
///   TrafficFilter(
///     on: link.index, at: .clsactIngress, priority: 10, etherType: 0x0800,
///     settings: .u32(.init([.destination(address)])), actions: [.redirect(to: other.index)]))
/// ```
public struct FilterTable: Sendable {
  let socket: NetlinkSocket

  /// The filters at a link's clsact, in the order packets meet them.
  ///
  /// - Parameters:
  ///   - index: the link.
  ///   - direction: only those of this direction; nil for both, ingress first.
  /// - Returns: The filters. Those of a shared block come without the link.
  /// - Throws: ``NetlinkError``; a link without clsact has no filters, and an absent link neither.
  public func all(
    on index: InterfaceIndex, direction: TrafficDirection? = nil
  ) async throws(NetlinkError) -> [TrafficFilter] {
    var filters: [TrafficFilter] = []
    for each in TrafficDirection.allCases where direction == nil || direction == each {
      filters += try await all(at: .link(index, parent: .clsact(each)))
    }
    return filters
  }

  /// The filters at a place, in the order packets meet them.
  ///
  /// The kernel lists one place at a time. A `u32` filter's hash table is in the list too.
  ///
  /// - Parameters:
  ///   - place: a queueing discipline or class of a link, or a block.
  ///   - chain: only those of this chain, which the kernel sorts out; nil for all.
  /// - Returns: The filters.
  /// - Throws: ``NetlinkError``; an absent link, queueing discipline or block has no filters.
  public func all(
    at place: TrafficFilter.Place, chain: UInt32? = nil
  ) async throws(NetlinkError) -> [TrafficFilter] {
    try await socket.dump(ListFilters(place: place, chain: chain))
  }

  /// Attaches a filter.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when that priority and handle are taken, `notFound` when the link, or
  ///   a module, is absent, `invalidArgument` when there is nothing to hang it on or the kernel does not like it.
  /// - Requires: `CAP_NET_ADMIN`; the kind's module, such as `cls_u32`, and those of its actions, such as `act_mirred`.
  ///   `RTM_NEWTFILTER`.
  public func add(_ filter: TrafficFilter) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeFilter(change: .add, filter: filter))
  }

  /// Attaches a filter in place of the one with that priority and handle.
  ///
  /// What that means is up to the kind. `bpf` is replaced whole. Of `u32` class, flags and actions are replaced, but the
  /// keys stay as they are, without a word; with handle 0 a filter is added beside those that are there.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)-(TrafficFilter)``; `exists` only for `matchall`, of which there is one in a
  ///   priority and which is never replaced.
  /// - Requires: `CAP_NET_ADMIN`; the modules. `RTM_NEWTFILTER`.
  public func replace(_ filter: TrafficFilter) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeFilter(change: .replace, filter: filter))
  }

  /// Attaches a program.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when that priority and handle are taken, `invalidArgument` when the
  ///   link has no clsact or the descriptor is no such program, `notFound` when the link is absent.
  /// - Requires: `CAP_NET_ADMIN`; `cls_bpf`. `RTM_NEWTFILTER`.
  public func add(_ filter: BPFFilter) async throws(NetlinkError) {
    let request = ChangeFilter(change: .add, filter: TrafficFilter(filter))
    guard filter.priority > 0 else { throw NetlinkError("the priority must be 1...65535", against: request) }
    try await socket.acknowledge(request)
  }

  /// Attaches a program in place of the one with that priority and handle; no packet passes between the two.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)-(BPFFilter)``, without `exists`.
  /// - Requires: `CAP_NET_ADMIN`; `cls_bpf`. `RTM_NEWTFILTER`.
  public func replace(_ filter: BPFFilter) async throws(NetlinkError) { try await replace(TrafficFilter(filter)) }

  /// Detaches the program with this priority and handle.
  ///
  /// - Parameters:
  ///   - index: the link.
  ///   - direction: ingress or egress.
  ///   - priority: the filter's priority, 1...65535.
  ///   - handle: the filter's handle.
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none, or no clsact.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELTFILTER`.
  public func remove(
    on index: InterfaceIndex, direction: TrafficDirection, priority: UInt16, handle: UInt32
  ) async throws(NetlinkError) {
    var filter = TrafficFilter(
      on: index, at: .clsact(direction), priority: priority, settings: .bpf(.init(descriptor: -1, name: nil)))
    filter.handle = handle
    try await remove(filter)
  }

  /// Detaches a filter, of whatever kind.
  ///
  /// Place, chain, priority, Ethernet type, kind and handle count; none of priority and handle may be 0, which to the
  /// kernel means all of them.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none, `invalidArgument` with priority or handle 0.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELTFILTER`.
  public func remove(_ filter: TrafficFilter) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeFilter(change: .remove, filter: filter))
  }

  /// Detaches all filters of a place, or all of one priority.
  ///
  /// - Parameters:
  ///   - place: a queueing discipline or class of a link, or a block.
  ///   - priority: only those of this priority, 1...65535; nil for all.
  ///   - chain: only those of this chain; nil for 0 with a priority, else for all.
  /// - Throws: ``NetlinkError`` with code `notFound` when there is no such place, or no such priority.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELTFILTER`.
  public func removeAll(
    at place: TrafficFilter.Place, priority: UInt16? = nil, chain: UInt32? = nil
  ) async throws(NetlinkError) {
    try await socket.acknowledge(RemoveFilters(place: place, priority: priority ?? 0, chain: chain))
  }
}
