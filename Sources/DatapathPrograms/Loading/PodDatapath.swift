// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

/// The pod datapath of a node, in the kernel: what pods may send and what may reach them.
///
/// ```swift
/// let datapath = try PodDatapath.load(pinDirectory: "/sys/fs/bpf/terwaykit")
/// try datapath.endpoints.setValue(
///   endpoint(address: podAddress.networkOrder, flags: UInt32(ENDPOINT_PRESENT)), at: 7)
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
  /// The active policy generation, at index 0.
  public let policyState: BPFArrayMap<policy_state>
  /// Rule sets by endpoint and generation parity.
  public let endpointPolicies: BPFArrayMap<endpoint_policy>
  /// Classes by generation and peer address.
  public let peerClasses: BPFLPMTrie<peer_class_key, peer_class>
  /// Verdicts by rule set, class, protocol and port.
  public let verdicts: BPFLPMTrie<verdict_key, verdict>
  /// Drops by reason, per processor.
  ///
  /// See ``readDropCounters()``.
  public let dropCounters: BPFPerCPUArrayMap<drop_counter>
  /// Records of drops, and of new flows where asked for.
  ///
  /// For one reader. See ``FlowRecord``.
  public let flowEvents: BPFRingBuffer<flow_record>
  /// Judges what a pod sends.
  ///
  /// It expects the endpoint in `skb->cb[0]`, so attach a ``Dispatcher`` instead.
  public let fromPod: BPFProgram
  /// Judges what is sent to a pod.
  ///
  /// It expects the endpoint in `skb->cb[0]`, so attach a ``Dispatcher`` instead.
  public let toPod: BPFProgram
  /// The slots that dispatchers jump into.
  public let programs: BPFProgramArray
  let lostEvents: BPFPerCPUArrayMap<UInt64>

  init(_ object: borrowing LoadedObject) throws(BPFError) {
    endpoints = try object.map("endpoint", as: BPFArrayMap<endpoint>.self)
    flows = try object.map("flow", as: BPFHashMap<flow_key, flow_state>.self)
    policyState = try object.map("policy_state", as: BPFArrayMap<policy_state>.self)
    endpointPolicies = try object.map("endpoint_policy", as: BPFArrayMap<endpoint_policy>.self)
    peerClasses = try object.map("peer_class", as: BPFLPMTrie<peer_class_key, peer_class>.self)
    verdicts = try object.map("verdict", as: BPFLPMTrie<verdict_key, verdict>.self)
    dropCounters = try object.map("drop_counter", as: BPFPerCPUArrayMap<drop_counter>.self)
    flowEvents = try object.map("flow_event", as: BPFRingBuffer<flow_record>.self)
    lostEvents = try object.map("event_lost", as: BPFPerCPUArrayMap<UInt64>.self)
    programs = try object.map("pod_programs", as: BPFProgramArray.self)
    fromPod = try object.program("from_pod")
    toPod = try object.program("to_pod")
  }
}
