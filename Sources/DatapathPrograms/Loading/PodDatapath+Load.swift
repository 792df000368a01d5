// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
import CDatapathABI
public import SystemPackage

extension PodDatapath {
  /// Maps that outlive the process below a pin directory, in the order of pinning.
  package static let pinnedMaps = [
    "pod_programs", "endpoint", "policy_state", "endpoint_policy", "peer_class", "verdict", "flow", "drop_counter",
    "flow_event", "event_lost",
  ]

  /// Loads the pod programs and puts them into force.
  ///
  /// With a pin directory the maps found there go on being used, with all they hold and in their size; what is missing is
  /// made and pinned. The programs of each slot are then replaced in one step: dispatchers that are attached run the new
  /// ones from the next packet on, and no flow is lost. That is an upgrade. If anything fails before, the old programs
  /// stay in force.
  ///
  /// Without a pin directory the datapath ends with this value: dispatchers that are still attached then drop everything.
  ///
  /// - Parameters:
  ///   - pinDirectory: A directory on a bpf file system, made if need be; nil: nothing is pinned.
  ///   - limits: Sizes of the maps that are made now.
  ///   - recordsAllowedFlows: Whether ``flowEvents`` also gets the first packet of each allowed flow, not only drops.
  /// - Returns: The datapath.
  /// - Throws: `notBPFFileSystem`; `layoutMismatch` or `incompatibleMap` where a pinned map was made by a version with
  ///   another layout: drain the node and remove the directory; `verifierRejected`; `permissionDenied`.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  public static func load(
    pinDirectory: FilePath?, limits: DatapathLimits = .default, recordsAllowedFlows: Bool = false
  ) throws(BPFError) -> PodDatapath {
    var object = try BPFObject(DatapathObject.pod.embedded, checking: [flow_record.layout])
    try object.setConstant("record_allowed", to: recordsAllowedFlows ? UInt32(1) : 0)
    if let pinDirectory { try BPFFileSystem.makeDirectory(pinDirectory) }
    let sizes = try PinnedSizes(in: pinDirectory)
    try object.setMaxEntries(sizes.flows ?? limits.flows, forMap: "flow")
    try object.setMaxEntries(sizes.peerClasses ?? limits.peerClasses, forMap: "peer_class")
    try object.setMaxEntries(sizes.verdicts ?? limits.verdicts, forMap: "verdict")
    try object.setMaxEntries(sizes.eventBytes ?? limits.eventBytes, forMap: "flow_event")
    if let pinDirectory {
      for map in pinnedMaps { try object.share(map: map, at: pinDirectory.appending(map)) }
    }
    let datapath = try PodDatapath(object.load())
    try datapath.programs.setProgram(datapath.toPod, at: UInt32(POD_PROGRAM_INGRESS))
    try datapath.programs.setProgram(datapath.fromPod, at: UInt32(POD_PROGRAM_EGRESS))
    return datapath
  }
}

/// Sizes of the maps that are pinned already; nil: not pinned.
private struct PinnedSizes {
  var flows: UInt32?
  var peerClasses: UInt32?
  var verdicts: UInt32?
  var eventBytes: UInt32?

  init(in directory: FilePath?) throws(BPFError) {
    guard let directory else { return }
    flows = try Self.size(of: "flow", in: directory, as: BPFHashMap<flow_key, flow_state>.self)
    peerClasses = try Self.size(of: "peer_class", in: directory, as: BPFLPMTrie<peer_class_key, peer_class>.self)
    verdicts = try Self.size(of: "verdict", in: directory, as: BPFLPMTrie<verdict_key, verdict>.self)
    eventBytes = try Self.size(of: "flow_event", in: directory, as: BPFRingBuffer<flow_record>.self)
  }

  private static func size<Map: BPFMapProtocol & ~Copyable>(
    of name: String, in directory: FilePath, as type: Map.Type
  ) throws(BPFError) -> UInt32? {
    do {
      return try Map.open(pinnedAt: directory.appending(name)).info.maximumEntryCount
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
