// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
import CDatapathABI
public import SystemPackage

extension PodDatapath {
  /// Maps that outlive the process below a pin directory, in the order of pinning.
  package static let pinnedMaps = [
    "pod_programs", "endpoint", "policy_state", "endpoint_policy", "rule_set", "peer", "peer_class", "verdict",
    "address_range4", "address_range6", "port_table", "port_range", "decision_count", "flow", "drop_counter",
    "flow_event", "event_lost", "local_pod", "asked_address",
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
  ///   - services: Services that pods' packets are translated for; nil: the programs know none, and spend nothing on it.
  ///   - serviceConstants: What programs that look services up are loaded with.
  /// - Returns: The datapath.
  /// - Throws: `notBPFFileSystem`; `layoutMismatch` or `incompatibleMap` where a pinned map was made by a version with
  ///   another layout: drain the node and remove the directory; `verifierRejected`; `permissionDenied`.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  public static func load(
    pinDirectory: FilePath?, limits: DatapathLimits = .default, recordsAllowedFlows: Bool = false,
    services: ServiceMaps? = nil, serviceConstants: ServiceConstants = ServiceConstants()
  ) throws(BPFError) -> PodDatapath {
    var object = try BPFObject(DatapathObject.pod.embedded, checking: [flow_record.layout])
    try object.setConstant("record_allowed", to: recordsAllowedFlows ? UInt32(1) : 0)
    if let pinDirectory { try BPFFileSystem.makeDirectory(pinDirectory) }
    guard limits.addressRanges <= ADDRESS_RANGE_LIMIT else {
      throw BPFError(
        .invalidArgument,
        "size maps address_range4 and address_range6 for \(limits.addressRanges) ranges: at most \(ADDRESS_RANGE_LIMIT) are searched"
      )
    }
    for (map, size) in limits.sizes {
      try object.setMaxEntries(size, forMap: map, unlessPinnedIn: pinDirectory)
    }
    try prepare(&object, services, serviceConstants)
    if let pinDirectory {
      for map in pinnedMaps { try object.share(map: map, at: pinDirectory.appending(map)) }
    }
    let loaded = try object.load()
    let datapath = try PodDatapath(loaded, services)
    // What the others jump to comes first.
    try datapath.programs.setProgram(loaded.program("send_plain"), at: UInt32(POD_PROGRAM_SEND))
    try datapath.programs.setProgram(loaded.program("receive_plain"), at: UInt32(POD_PROGRAM_RECEIVE))
    try datapath.programs.setProgram(datapath.toPod, at: UInt32(POD_PROGRAM_INGRESS))
    try datapath.programs.setProgram(datapath.fromPod, at: UInt32(POD_PROGRAM_EGRESS))
    return datapath
  }

  /// Has the programs use the maps of services, or do without.
  private static func prepare(
    _ object: inout BPFObject, _ services: ServiceMaps?, _ constants: ServiceConstants
  ) throws(BPFError) {
    try object.setConstant("translate_services", to: UInt32(services == nil ? 0 : 1))
    try constants.set(in: &object)
    if let services {
      try services.lend(to: &object)
    } else {
      // The programs name the maps all the same, in instructions that are never run.
      for (map, size) in ServiceMapLimits.none.sizes { try object.setMaxEntries(size, forMap: map) }
    }
  }
}
