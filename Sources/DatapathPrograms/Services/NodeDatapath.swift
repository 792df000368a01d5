// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI
public import SystemPackage

/// Services for clients outside the cluster, at a device of the node that faces them.
///
/// Node ports, external addresses and those of load balancers: source ranges, traffic policies, a choice of backend. A
/// backend on this node gets the client's own address; one on another node sees this node as the client, so that its
/// replies come back here, or answers the client itself: ``Forwarding``.
///
/// ```swift
/// let node = try NodeDatapath.load(
///   services: services, pods: datapath, masquerade: .init(ipv4: nodeAddress), pinDirectory: "/sys/fs/bpf/terwaykit")
/// let ingress = try await node.fromOutside.attach(toTrafficControl: .ingress, of: eni, in: .host)
/// let egress = try await node.toOutside.attach(toTrafficControl: .egress, of: eni, in: .host)
/// ```
///
/// Attach it before anything that drops what it does not know. Packets that are none of a service's pass to the next
/// program, and to the stack. C: `bpf/node_lb.bpf.c`.
public struct NodeDatapath: ~Copyable, Sendable {
  /// Translates what a device receives.
  public let fromOutside: BPFProgram
  /// Translates what a device sends.
  public let toOutside: BPFProgram
  /// Does ``fromOutside``'s work for further packets of connections to backends on other nodes, in the driver.
  ///
  /// Optional, and beside ``fromOutside``, which has to make each connection. It takes packets whose next hop is resolved, at a
  /// device that forwards (`net.ipv4.ip_forward`); all others pass to ``fromOutside`` untouched.
  public let fromOutsideInDriver: BPFProgram
  /// Connections from outside, two entries each; one where another node answers the client.
  public let flows: BPFLRUHashMap<node_flow_key, node_flow>
  /// Addresses of other nodes, whose encapsulated packets are taken: ``setPeers(_:)``.
  public let peers: BPFHashMap<ip_address, present>
  /// Addresses that only services have: ``setServiceAddresses(_:)``.
  public let serviceAddresses: BPFHashMap<ip_address, present>
  /// Packets by `NODE_COUNT_*`: ``readCounters()``.
  public let counters: BPFPerCPUArrayMap<drop_counter>

  /// Loads the programs.
  ///
  /// - Parameters:
  ///   - services: What they look up.
  ///   - pods: The pod datapath, whose ``PodDatapath/localPods`` says which backends are on this node, and whose drop
  ///     counters are used.
  ///   - masquerade: How backends on other nodes see clients.
  ///   - forwarding: How clients reach backends on other nodes.
  ///   - unserved: What becomes of packets to services' addresses that nobody serves.
  ///   - constants: What programs that look services up are loaded with.
  ///   - flows: How many entries ``flows`` has, two for each connection; one that is pinned keeps its size.
  ///   - pinDirectory: Where the flows outlive the process, which is made if need be; nil: nowhere.
  /// - Returns: Programs that live on while attached or pinned.
  /// - Throws: `notBPFFileSystem`; `incompatibleMap`; `verifierRejected`; `permissionDenied`; `systemCall`.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  public static func load(
    services: ServiceMaps, pods: PodDatapath, masquerade: Masquerade = Masquerade(), forwarding: Forwarding = .snat,
    unserved: Unserved = Unserved(), constants: ServiceConstants = ServiceConstants(), flows: UInt32 = 131_072,
    pinDirectory: FilePath? = nil
  ) throws(BPFError) -> NodeDatapath {
    var object = try BPFObject(DatapathObject.nodeLB.embedded)
    try constants.set(in: &object)
    try object.setConstant("masquerade_address4", to: masquerade.ipv4.map { ip_address($0) } ?? ip_address())
    try object.setConstant("masquerade_address6", to: masquerade.ipv6.map { ip_address($0) } ?? ip_address())
    try object.setConstant("masquerade_port_first", to: masquerade.ports.lowerBound)
    try object.setConstant("masquerade_port_last", to: masquerade.ports.upperBound)
    try object.setConstant("direct_port", to: forwarding.port)
    try object.setConstant("refuse_unknown_ports", to: UInt32(unserved.refusesUnknownPorts ? 1 : 0))
    try object.setConstant("answer_echoes", to: UInt32(unserved.answersEcho ? 1 : 0))
    try services.lend(to: &object)
    try object.reuse(map: "local_pod", from: pods.localPods)
    try object.reuse(map: "drop_counter", from: pods.dropCounters)
    try object.reuse(map: "pod_programs", from: pods.programs)
    if let pinDirectory { try BPFFileSystem.makeDirectory(pinDirectory) }
    try object.setMaxEntries(flows, forMap: "node_flow", unlessPinnedIn: pinDirectory)
    if let pinDirectory {
      for map in ["node_flow", "node_peer", "service_address", "node_counter"] {
        try object.share(map: map, at: pinDirectory.appending(map))
      }
    }
    let loaded = try object.load()
    let table = try loaded.map("node_flow", as: BPFLRUHashMap<node_flow_key, node_flow>.self)
    var driver = try BPFObject(DatapathObject.nodeXDP.embedded)
    try driver.setMaxEntries(table.info.maximumEntryCount, forMap: "node_flow")
    let counters = try loaded.map("node_counter", as: BPFPerCPUArrayMap<drop_counter>.self)
    try driver.reuse(map: "node_flow", from: table)
    try driver.reuse(map: "node_counter", from: counters)
    return try NodeDatapath(
      fromOutside: loaded.program("from_outside"), toOutside: loaded.program("to_outside"),
      fromOutsideInDriver: driver.load().program("xdp_outside"), flows: table,
      peers: loaded.map("node_peer", as: BPFHashMap<ip_address, present>.self),
      serviceAddresses: loaded.map("service_address", as: BPFHashMap<ip_address, present>.self),
      counters: counters)
  }
}
