// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

/// The pod datapath of a node, in the kernel: what pods may send and what may reach them.
///
/// ```swift
/// let datapath = try PodDatapath.load(pinDirectory: "/sys/fs/bpf/terwaykit")
/// try datapath.endpoints.setValue(
///   endpoint(ipv4: podAddress, ipv6: podAddress6, flags: UInt32(ENDPOINT_PRESENT)), at: 7)
/// let dispatcher = try datapath.makeDispatcher(endpoint: 7)
/// // attach dispatcher.egress and dispatcher.ingress at the pod's interface
/// ```
///
/// All maps may be used from many tasks at once. C: `bpf/pod.bpf.c`; its maps are described in `bpf/README.md`.
public final class PodDatapath: Sendable {
  /// Pods by endpoint identifier.
  ///
  /// A slot without `ENDPOINT_PRESENT` drops everything.
  public let endpoints: BPFArrayMap<endpoint>
  /// Connection tracking.
  ///
  /// The programs write it; others list and clear it.
  public let flows: BPFHashMap<flow_key, flow_state>
  /// The policy generation in force, at index 0.
  ///
  /// See ``publish(generation:)``.
  public let policyState: BPFMappedArray<policy_state>
  /// The rule sets of each endpoint.
  public let endpointPolicies: BPFMappedArray<endpoint_policy>
  /// Rule sets by index.
  public let ruleSets: BPFArrayMap<rule_set>
  /// Indexes into ``peerClasses``, by the addresses of pods and nodes.
  public let peers: BPFHashMap<ip_address, UInt32>
  /// Classes of peers.
  public let peerClasses: BPFMappedArray<peer_class>
  /// Port tables by rule set and class.
  public let verdicts: BPFHashMap<verdict_key, verdict>
  /// The rule sets' IPv4 ranges, in runs.
  public let addressRanges4: BPFArrayMap<address_range4>
  /// The rule sets' IPv6 ranges, in runs.
  public let addressRanges6: BPFArrayMap<address_range6>
  /// Port tables by index.
  public let portTables: BPFArrayMap<port_table>
  /// The port tables' ranges, in runs.
  public let portRanges: BPFArrayMap<port_range>
  /// Judged packets by decision, per processor.
  ///
  /// See ``readDecisionCounter(at:)``.
  public let decisionCounters: BPFPerCPUArrayMap<decision_counter>
  /// Drops by reason, per processor.
  ///
  /// See ``readDropCounters()``.
  public let dropCounters: BPFPerCPUArrayMap<drop_counter>
  /// Records of drops, and of new flows where asked for.
  ///
  /// For one reader. See ``FlowRecord``.
  public let flowEvents: BPFRingBuffer<flow_record>
  /// The addresses of this node's pods, and the numbers of their parents where slaves of one parent reach each other
  /// without a gateway (IPVLAN L2); 0 in other modes.
  ///
  /// Where a service's backend has the parent of the pod that asks for it, frames to it get the pod's own station as
  /// receiver, which is what the parent passes on by itself. Programs at the node's devices tell by it which backends are
  /// here. The wiring writes it; the numbers are its own. It is asked for endpoints with `ENDPOINT_SIBLINGS`.
  public let localPods: BPFHashMap<ip_address, UInt32>
  /// The services that pods' packets are translated for; nil: none.
  public let services: ServiceMaps?
  /// Judges what a pod sends.
  ///
  /// It expects the endpoint in `skb->cb[0]`, so attach a ``Dispatcher`` instead.
  public let fromPod: BPFProgram
  /// Judges what is sent to a pod.
  ///
  /// It expects the endpoint in `skb->cb[0]`, so attach a ``Dispatcher`` instead.
  public let toPod: BPFProgram
  /// The slots that dispatchers jump into, and those that the programs there jump on to.
  public let programs: BPFProgramArray
  let lostEvents: BPFPerCPUArrayMap<UInt64>

  init(_ object: borrowing LoadedObject, _ services: ServiceMaps?) throws(BPFError) {
    self.services = services
    localPods = try object.map("local_pod", as: BPFHashMap<ip_address, UInt32>.self)
    endpoints = try object.map("endpoint", as: BPFArrayMap<endpoint>.self)
    flows = try object.map("flow", as: BPFHashMap<flow_key, flow_state>.self)
    policyState = try object.map("policy_state", as: BPFArrayMap<policy_state>.self).mapped()
    endpointPolicies = try object.map("endpoint_policy", as: BPFArrayMap<endpoint_policy>.self).mapped()
    ruleSets = try object.map("rule_set", as: BPFArrayMap<rule_set>.self)
    peers = try object.map("peer", as: BPFHashMap<ip_address, UInt32>.self)
    peerClasses = try object.map("peer_class", as: BPFArrayMap<peer_class>.self).mapped()
    verdicts = try object.map("verdict", as: BPFHashMap<verdict_key, verdict>.self)
    addressRanges4 = try object.map("address_range4", as: BPFArrayMap<address_range4>.self)
    addressRanges6 = try object.map("address_range6", as: BPFArrayMap<address_range6>.self)
    portTables = try object.map("port_table", as: BPFArrayMap<port_table>.self)
    portRanges = try object.map("port_range", as: BPFArrayMap<port_range>.self)
    decisionCounters = try object.map("decision_count", as: BPFPerCPUArrayMap<decision_counter>.self)
    dropCounters = try object.map("drop_counter", as: BPFPerCPUArrayMap<drop_counter>.self)
    flowEvents = try object.map("flow_event", as: BPFRingBuffer<flow_record>.self)
    lostEvents = try object.map("event_lost", as: BPFPerCPUArrayMap<UInt64>.self)
    programs = try object.map("pod_programs", as: BPFProgramArray.self)
    fromPod = try object.program("from_pod")
    toPod = try object.program("to_pod")
  }
}
