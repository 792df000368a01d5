// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

/// The maps of services in the kernel, shared by the programs at sockets, at pods and at the node's devices.
///
/// They are made once, and lent to each object whose programs use them:
///
/// ```swift
/// let maps = try ServiceMaps.load(pinDirectory: "/sys/fs/bpf/terwaykit")
/// let sockets = try SocketPrograms.load(using: maps)
/// ```
///
/// The order in which a writer changes them is in `bpf/include/service_abi.h`; `ServiceLB` has such a writer. All maps may
/// be used from many tasks at once. C: `bpf/service_maps.h`.
public final class ServiceMaps: Sendable {
  /// What is asked for, IPv4, to frontend words.
  public let frontends4: BPFHashMap<frontend_key4, frontend_word>
  /// What is asked for, IPv6, to frontend words.
  public let frontends6: BPFHashMap<frontend_key6, frontend_word>
  /// What was asked for, by VIP index.
  public let vips: BPFMappedArray<vip>
  /// The extents of both scopes, by service index.
  public let services: BPFMappedArray<service>
  /// Algorithm and affinity, by service index.
  public let configurations: BPFMappedArray<service_config>
  /// Backend indices, two in each element.
  public let slots: BPFMappedArray<slot_pair>
  /// Endpoints, by backend index.
  public let backends: BPFMappedArray<backend>
  /// Who may use load balancer addresses from outside.
  public let sourceRanges: BPFLPMTrie<source_range_key, present>
  /// Where node ports are served.
  public let nodeAddresses: BPFHashMap<ip_address, present>
  /// Network namespaces whose sockets are left alone, by cookie.
  ///
  /// ``state`` says how many there are; programs look only where that is not 0.
  public let exclusions: BPFHashMap<UInt64, present>
  /// What all programs look at first, at index 0.
  public let state: BPFMappedArray<service_state>
  /// Which backend a client had.
  ///
  /// The programs write it.
  public let affinities: BPFLRUHashMap<affinity_key, affinity>
  /// What a socket asked for last: UDP, MPTCP, and TCP that found no room in ``socketSlots``.
  ///
  /// The programs write it.
  public let socketPeers: BPFSocketStorage<socket_peer>
  /// What a TCP socket asked for last, by the low bits of its cookie; `SOCKET_SLOTS` of them, and one more.
  ///
  /// The programs write it.
  public let socketSlots: BPFArrayMap<socket_slot>
  /// What unconnected UDP sockets asked for besides.
  ///
  /// The programs write it.
  public let datagramPeers: BPFLRUHashMap<datagram_peer_key, datagram_peer>
  /// What happened to a service's clients, per processor, by service index.
  ///
  /// The programs write it.
  public let counters: BPFPerCPUArrayMap<service_counter>

  // The descriptors behind the mapped ones, which they do not keep.
  private let vipArray: BPFArrayMap<vip>
  private let serviceArray: BPFArrayMap<service>
  private let configurationArray: BPFArrayMap<service_config>
  private let slotArray: BPFArrayMap<slot_pair>
  private let backendArray: BPFArrayMap<backend>
  private let stateArray: BPFArrayMap<service_state>

  init<Source: ServiceMapSource & ~Copyable>(_ source: borrowing Source) throws(BPFError) {
    frontends4 = try source.map("frontend4", as: BPFHashMap<frontend_key4, frontend_word>.self)
    frontends6 = try source.map("frontend6", as: BPFHashMap<frontend_key6, frontend_word>.self)
    vipArray = try source.map("vip", as: BPFArrayMap<vip>.self)
    serviceArray = try source.map("service", as: BPFArrayMap<service>.self)
    configurationArray = try source.map("service_config", as: BPFArrayMap<service_config>.self)
    slotArray = try source.map("service_slot", as: BPFArrayMap<slot_pair>.self)
    backendArray = try source.map("backend", as: BPFArrayMap<backend>.self)
    sourceRanges = try source.map("source_range", as: BPFLPMTrie<source_range_key, present>.self)
    nodeAddresses = try source.map("node_address", as: BPFHashMap<ip_address, present>.self)
    exclusions = try source.map("socket_exclusion", as: BPFHashMap<UInt64, present>.self)
    stateArray = try source.map("service_state", as: BPFArrayMap<service_state>.self)
    affinities = try source.map("affinity", as: BPFLRUHashMap<affinity_key, affinity>.self)
    socketPeers = try source.map("socket_peer", as: BPFSocketStorage<socket_peer>.self)
    socketSlots = try source.map("socket_slot", as: BPFArrayMap<socket_slot>.self)
    datagramPeers = try source.map("datagram_peer", as: BPFLRUHashMap<datagram_peer_key, datagram_peer>.self)
    counters = try source.map("service_counter", as: BPFPerCPUArrayMap<service_counter>.self)
    vips = try vipArray.mapped()
    services = try serviceArray.mapped()
    configurations = try configurationArray.mapped()
    slots = try slotArray.mapped()
    backends = try backendArray.mapped()
    state = try stateArray.mapped()
  }

  /// The sizes that the maps have.
  ///
  /// Where several maps are indexed alike, of the smallest.
  public var limits: ServiceMapLimits {
    ServiceMapLimits(
      frontends: min(frontends4.info.maximumEntryCount, frontends6.info.maximumEntryCount), vips: vips.count,
      services: min(services.count, configurations.count, counters.count),
      slots: UInt32(clamping: UInt64(slots.count) * 2), backends: backends.count,
      sourceRanges: sourceRanges.info.maximumEntryCount, nodeAddresses: nodeAddresses.info.maximumEntryCount,
      exclusions: exclusions.info.maximumEntryCount, affinities: affinities.info.maximumEntryCount,
      datagramPeers: datagramPeers.info.maximumEntryCount)
  }

  /// Has an object use these maps instead of making its own, each that it declares.
  ///
  /// - Parameter object: An object that includes `bpf/service_maps.h`.
  /// - Throws: `incompatibleMap` where the maps are of another version.
  public func lend(to object: inout BPFObject) throws(BPFError) {
    let wanted = Set(object.mapNames)
    func lend<Map: BPFMapProtocol & ~Copyable>(_ map: borrowing Map, as name: String) throws(BPFError) {
      guard wanted.contains(name) else { return }
      let entries = map.info.maximumEntryCount
      if entries > 0 { try object.setMaxEntries(entries, forMap: name) }
      try object.reuse(map: name, from: map)
    }
    try lend(frontends4, as: "frontend4")
    try lend(frontends6, as: "frontend6")
    try lend(vipArray, as: "vip")
    try lend(serviceArray, as: "service")
    try lend(configurationArray, as: "service_config")
    try lend(slotArray, as: "service_slot")
    try lend(backendArray, as: "backend")
    try lend(sourceRanges, as: "source_range")
    try lend(nodeAddresses, as: "node_address")
    try lend(exclusions, as: "socket_exclusion")
    try lend(stateArray, as: "service_state")
    try lend(affinities, as: "affinity")
    try lend(socketPeers, as: "socket_peer")
    try lend(socketSlots, as: "socket_slot")
    try lend(datagramPeers, as: "datagram_peer")
    try lend(counters, as: "service_counter")
  }
}
