// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The filters at the clsact of links: ``NetlinkSocket/filters``.
public struct FilterTable: Sendable {
  let socket: NetlinkSocket

  /// The filters of a link, in the order packets meet them.
  ///
  /// - Parameters:
  ///   - index: the link.
  ///   - direction: only those of this direction; nil for both, ingress first.
  /// - Returns: The filters.
  /// - Throws: ``NetlinkError``; a link without clsact has no filters, and an absent link neither.
  public func all(
    on index: InterfaceIndex, direction: TrafficDirection? = nil
  ) async throws(NetlinkError) -> [InstalledFilter] {
    var filters: [InstalledFilter] = []
    for each in TrafficDirection.allCases where direction == nil || direction == each {
      filters += try await socket.dump(ListFilters(interface: index, direction: each))
    }
    return filters
  }

  /// Attaches a program.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when that priority and handle are taken, `invalidArgument` when the
  ///   link has no clsact or the descriptor is no such program, `notFound` when the link is absent.
  /// - Requires: `CAP_NET_ADMIN`; `cls_bpf`. `RTM_NEWTFILTER`.
  public func add(_ filter: BPFFilter) async throws(NetlinkError) { try await attach(filter, isReplacement: false) }

  /// Attaches a program in place of the one with that priority and handle; no packet passes between the two.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``, without `exists`.
  /// - Requires: `CAP_NET_ADMIN`; `cls_bpf`. `RTM_NEWTFILTER`.
  public func replace(_ filter: BPFFilter) async throws(NetlinkError) { try await attach(filter, isReplacement: true) }

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
    // With priority or handle 0 the kernel would remove everything of that direction or priority.
    guard priority > 0, handle > 0 else {
      throw NetlinkError(
        .invalidArgument, operation: "remove \(direction) filter of link \(index)",
        reason: "priority and handle must not be 0")
    }
    try await socket.acknowledge(
      RemoveFilter(
        interface: index, direction: direction, priority: priority, handle: handle, kind: "bpf",
        etherType: InstalledFilter.allEtherTypes))
  }

  /// Detaches a filter that was listed, of whatever kind.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when it is gone.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELTFILTER`.
  public func remove(_ filter: InstalledFilter) async throws(NetlinkError) {
    try await socket.acknowledge(
      RemoveFilter(
        interface: filter.interface, direction: filter.direction, priority: filter.priority, handle: filter.handle,
        kind: filter.kind, etherType: filter.etherType))
  }

  private func attach(_ filter: BPFFilter, isReplacement: Bool) async throws(NetlinkError) {
    let request = AttachFilter(filter: filter, isReplacement: isReplacement)
    guard filter.priority > 0 else {
      throw NetlinkError(.invalidArgument, operation: request.operation, reason: "the priority must be 1...65535")
    }
    try await socket.acknowledge(request)
  }
}
