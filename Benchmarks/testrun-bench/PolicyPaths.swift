// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// The paths that a packet of an isolated pod takes, with the tables that so many policies compile to.
final class PolicyPaths {
  private typealias Peer = PolicyCluster.Peer

  private let name: String
  private let datapath: PodDatapath
  /// Of the pod that NetworkPolicies select alone, and of the one that the administrators' do too.
  private let plain: Dispatcher
  private let guarded: Dispatcher

  init(policies: Int) async throws {
    name = "policies.\(policies)"
    let cluster = PolicyCluster(policies: policies)
    let compiled = CompiledPolicy(cluster.input, scope: .node(PolicyCluster.node))
    let statistics = compiled.statistics
    func twice(_ count: Int) -> UInt32 { UInt32(clamping: 2 * count + 1024) }
    datapath = try PodDatapath.load(
      pinDirectory: nil,
      limits: DatapathLimits(
        peers: twice(statistics.peers), ruleSets: twice(statistics.ruleSets), verdicts: twice(statistics.verdicts),
        portTables: twice(statistics.portTables), portRanges: twice(statistics.portRanges),
        decisions: twice(statistics.verdicts + statistics.ruleSets + statistics.addressRanges)))
    for (number, pod) in zip(UInt32(3)..., PolicyCluster.pods.indices) {
      let address = PolicyCluster.address(of: pod)
      try datapath.endpoints.setValue(
        endpoint(ipv4: address.v4, ipv6: address.v6, flags: UInt32(ENDPOINT_PRESENT | ENDPOINT_POLICY_REQUIRED)),
        at: number)
    }
    plain = try datapath.makeDispatcher(endpoint: 3)
    guarded = try datapath.makeDispatcher(endpoint: 4)
    let writer = try PolicyMapWriter(datapath: datapath, node: PolicyCluster.node)
    let publication = try await writer.apply(compiled, endpoints: cluster.endpoints)
    await writer.finish()
    print(
      #"{"op":"\#(name).tables","unit":"entries","value":\#(statistics.entries),"policies":\#(statistics.policies),"#
        + #""rule_sets":\#(publication.entries.ruleSets),"verdicts":\#(publication.entries.verdicts),"#
        + #""peers":\#(publication.entries.peers),"endpoints":\#(publication.entries.endpoints),"#
        + #""naive_entries":\#(statistics.naiveEntries)}"#)
  }

  func measure(_ timing: Timing, _ isWanted: (String) -> Bool) throws {
    for isIPv6 in [false, true] {
      let family = isIPv6 ? "6" : ""
      // Established: allowed once, then known. A known flow in single runs is what a new one compares with.
      try repeated("from_pod.established\(family)", true, .known, 80, isIPv6, DatapathPaths.pass, timing, isWanted)
      try repeated("to_pod.established\(family)", false, .known, 443, isIPv6, DatapathPaths.pass, timing, isWanted)
      try single("from_pod.established\(family).single", true, .known, 80, isIPv6, false, timing, isWanted)
      try single("from_pod.new\(family).single", true, .known, 8500, isIPv6, true, timing, isWanted)
      try single("to_pod.new\(family).single", false, .known, 8500, isIPv6, true, timing, isWanted)
      try single("from_pod.new.cidr\(family).single", true, .block, 8500, isIPv6, true, timing, isWanted)
      try single("from_pod.no_match\(family).single", true, .known, 81, isIPv6, false, timing, isWanted)
      try single("from_guarded.new\(family).single", true, .known, 8500, isIPv6, true, timing, isWanted)
      try single("from_guarded.deny\(family).single", true, .denied, 80, isIPv6, false, timing, isWanted)
      // Denied packets leave no flow, so that runs can be repeated.
      try repeated("from_pod.no_match\(family)", true, .known, 81, isIPv6, DatapathPaths.drop, timing, isWanted)
      try repeated("to_pod.no_match\(family)", false, .known, 81, isIPv6, DatapathPaths.drop, timing, isWanted)
      try repeated("from_pod.cidr.no_match\(family)", true, .block, 81, isIPv6, DatapathPaths.drop, timing, isWanted)
      try repeated("from_guarded.deny\(family)", true, .denied, 80, isIPv6, DatapathPaths.drop, timing, isWanted)
      try repeated("from_guarded.no_match\(family)", true, .known, 81, isIPv6, DatapathPaths.drop, timing, isWanted)
      // Allowed and judged each time: a protocol without ports.
      try repeated("from_pod.judged\(family)", true, .free, nil, isIPv6, DatapathPaths.pass, timing, isWanted)
      try repeated("from_guarded.judged\(family)", true, .free, nil, isIPv6, DatapathPaths.pass, timing, isWanted)
    }
  }

  /// Which of the two pods a path is about, by its name.
  private func pod(_ path: String) -> Int { path.contains("guarded") ? 1 : 0 }

  private func repeated(
    _ path: String, _ isFromPod: Bool, _ peer: Peer, _ port: UInt16?, _ isIPv6: Bool, _ verdict: Int32,
    _ timing: Timing, _ isWanted: (String) -> Bool
  ) throws {
    let name = "\(name).\(path)"
    guard isWanted(name) else { return }
    let packet = packet(pod(path), isFromPod, peer, port, isIPv6)
    func measure(_ program: borrowing BPFProgram) throws {
      for _ in 0..<2 { try timing.check(name, program, packet, answers: verdict) }
      try timing.measure(name, program, packet)
    }
    switch (pod(path), isFromPod) {
    case (0, true): try measure(plain.egress)
    case (0, false): try measure(plain.ingress)
    case (_, true): try measure(guarded.egress)
    case (_, false): try measure(guarded.ingress)
    }
  }

  private func single(
    _ path: String, _ isFromPod: Bool, _ peer: Peer, _ port: UInt16, _ isIPv6: Bool, _ isNew: Bool, _ timing: Timing,
    _ isWanted: (String) -> Bool
  ) throws {
    let name = "\(name).\(path)"
    guard isWanted(name) else { return }
    let packet = packet(pod(path), isFromPod, peer, port, isIPv6)
    var key = flow_key()
    key.peer_address = isIPv6 ? ip_address(peer.v6) : ip_address(peer.v4)
    key.endpoint = UInt16(3 + pod(path))
    key.peer_port = (isFromPod ? port : 40_000).bigEndian
    key.local_port = (isFromPod ? 40_000 : port).bigEndian
    key.protocol = 6
    func prepare() throws {
      if isNew { try datapath.flows.removeValue(forKey: key) }
    }
    switch (pod(path), isFromPod) {
    case (0, true): try timing.measureSingle(name, plain.egress, packet, prepare)
    case (0, false): try timing.measureSingle(name, plain.ingress, packet, prepare)
    case (_, true): try timing.measureSingle(name, guarded.egress, packet, prepare)
    case (_, false): try timing.measureSingle(name, guarded.ingress, packet, prepare)
    }
    // The key has to be the flow's: else the flow was never new but once.
    if isNew, try !datapath.flows.removeValue(forKey: key) {
      throw BPFError(.notFound, "\(name): the packets made no flow")
    }
  }

  /// TCP to a port; nil: protocol 47.
  private func packet(_ pod: Int, _ isFromPod: Bool, _ peer: Peer, _ port: UInt16?, _ isIPv6: Bool) -> Packet {
    let own = PolicyCluster.address(of: pod)
    let network: Layer =
      switch (isIPv6, isFromPod) {
      case (false, true): .ipv4(from: own.v4, to: peer.v4) { if port == nil { $0.protocolNumber = 47 } }
      case (false, false): .ipv4(from: peer.v4, to: own.v4) { if port == nil { $0.protocolNumber = 47 } }
      case (true, true): .ipv6(from: own.v6, to: peer.v6) { if port == nil { $0.nextHeader = 47 } }
      case (true, false): .ipv6(from: peer.v6, to: own.v6) { if port == nil { $0.nextHeader = 47 } }
      }
    let transport = port.map { [Layer.tcp(from: 40_000, to: $0)] } ?? []
    return Packet(layers: [.ethernet(), network] + transport, payload: [UInt8](repeating: 0x55, count: 26))
  }
}
