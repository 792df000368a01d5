// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import NetworkTypes

/// The paths that a packet of an isolated pod takes, with tables as full as so many policies make them.
///
/// Each policy brings a peer of each family with a class of its own, a verdict for it, a rule set, a port table and a
/// range of each kind, as far as the maps go.
final class PolicyPaths {
  private static let endpointID: UInt32 = 3
  private static let pod = IPv4Address(10, 0, 0, 5)
  private static let pod6 = IPv6Address(high: 0xfd00 << 48, low: 5)
  private static let generation: UInt32 = 7

  /// Whom the pod talks to.
  private enum Peer: UInt32, CaseIterable {
    /// Has a class whose port table allows some ports.
    case known = 9
    /// Has a class that is denied.
    case denied = 10
    /// Is known by one of 100 CIDRs.
    case block = 200

    var v4: IPv4Address {
      self == .block ? IPv4Address(198, 51, 100, 7) : IPv4Address(10, 0, 0, UInt8(rawValue))
    }
    var v6: IPv6Address {
      self == .block
        ? IPv6Address(high: 0x2001_0db8 << 32 | 50 << 16, low: 7)
        : IPv6Address(high: 0xfd00 << 48, low: UInt64(rawValue))
    }
  }

  private let name: String
  private let datapath: PodDatapath
  private let dispatcher: Dispatcher

  init(policies: Int) throws {
    name = "policies.\(policies)"
    datapath = try PodDatapath.load(pinDirectory: nil)
    try datapath.endpoints.setValue(
      endpoint(ipv4: Self.pod, ipv6: Self.pod6, flags: UInt32(ENDPOINT_PRESENT | ENDPOINT_POLICY_REQUIRED)),
      at: Self.endpointID)
    dispatcher = try datapath.makeDispatcher(endpoint: Self.endpointID)
    let own = try fill(UInt32(policies))
    try writeOwn(own)
    datapath.publish(generation: Self.generation)
  }

  /// Where the tables of the pod itself begin, behind those of others.
  private struct Place {
    var ruleSet, table, portRange, range, peer, peerClass, decision: UInt32
  }

  private func fill(_ count: UInt32) throws -> Place {
    func limited(_ limit: UInt32) -> UInt32 { min(count, limit) }
    let (sets, tables) = (limited(8000), limited(16_000))
    let (portRanges, ranges) = (limited(65_000), limited(65_000))
    for index in 0..<count { datapath.setPeerClass(version_word(1 + index), at: index) }
    try datapath.peers.update(
      (0..<count).flatMap { index in
        [
          (ip_address(IPv4Address(rawValue: 0x0a40_0000 + index)), index),
          (ip_address(IPv6Address(high: 0xfd01 << 48, low: UInt64(index))), index),
        ]
      })
    try datapath.verdicts.update(
      (0..<count).map { index in
        (
          verdict_key(rule_set: 2 + index % sets, peer_class: 1 + index),
          verdict(table: 3 + index % tables, decision: 1)
        )
      })
    try datapath.ruleSets.update((0..<sets).map { (2 + $0, rule_set()) })
    try datapath.portTables.update((0..<tables).map { (3 + $0, port_table()) })
    try datapath.portRanges.update(
      (0..<portRanges).map { ($0, port_range(first: UInt16($0), last: UInt16($0), verdict: 1)) })
    try datapath.addressRanges4.update(
      (0..<ranges).map { ($0, address_range4(first: $0, last: $0, table: 1, decision: 1)) })
    try datapath.addressRanges6.update((0..<ranges).map { ($0, address_range6()) })
    return Place(
      ruleSet: 2 + sets, table: 3 + tables, portRange: portRanges, range: ranges, peer: count, peerClass: 1 + count,
      decision: 2)
  }

  /// Ports 53, 80, 443, 8000-9000 of the known peer, nothing of the denied one, 100 CIDRs.
  private func writeOwn(_ place: Place) throws {
    for (index, ports) in [(53, 53), (80, 80), (443, 443), (8000, 9000)].enumerated() {
      try datapath.portRanges.setValue(
        port_range(first: UInt16(ports.0), last: UInt16(ports.1), verdict: UInt32(VERDICT_ALLOW)),
        at: place.portRange + UInt32(index))
    }
    var table = port_table()
    let first = place.portRange
    (table.first, table.count, table.other) = ((first, first, first), (4, 4, 4), UInt8(VERDICT_ALLOW))
    try datapath.portTables.setValue(table, at: place.table)
    for index in UInt32(0)..<100 {
      let base = IPv4Address(198, 51, UInt8(50 + index), 0).rawValue
      try datapath.addressRanges4.setValue(
        address_range4(first: base, last: base + 255, table: place.table, decision: 4), at: place.range + index)
      let high = 0x2001_0db8 << 32 | UInt64(index) << 16
      try datapath.addressRanges6.setValue(
        address_range6(
          first_high: high, first_low: 0, last_high: high | 0xffff, last_low: .max, table: place.table, decision: 4),
        at: place.range + index)
    }
    try datapath.ruleSets.setValue(
      rule_set(
        default_table: UInt32(VERDICT_NO_MATCH), default_decision: 5, own_node: UInt32(RULE_SET_UNRESTRICTED),
        range4_first: place.range, range4_count: 100, range6_first: place.range, range6_count: 100, padding: 0),
      at: place.ruleSet)
    for (index, peer) in [Peer.known, .denied].enumerated() {
      let (slot, peerClass) = (place.peer + UInt32(index), place.peerClass + UInt32(index))
      datapath.setPeerClass(version_word(before: 0, after: peerClass, since: Self.generation), at: slot)
      try datapath.peers.updateValue(slot, forKey: ip_address(peer.v4))
      try datapath.peers.updateValue(slot, forKey: ip_address(peer.v6))
      try datapath.verdicts.updateValue(
        verdict(table: peer == .known ? place.table : UInt32(VERDICT_DENY), decision: 2 + UInt32(index)),
        forKey: verdict_key(rule_set: place.ruleSet, peer_class: peerClass))
    }
    let word = version_word(before: 0, after: place.ruleSet, since: Self.generation)
    datapath.setPolicy(endpoint_policy(ingress: word, egress: word), ofEndpoint: Self.endpointID)
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
      try single("from_pod.deny\(family).single", true, .denied, 80, isIPv6, false, timing, isWanted)
      // Denied packets leave no flow, so that runs can be repeated.
      try repeated("from_pod.no_match\(family)", true, .known, 81, isIPv6, DatapathPaths.drop, timing, isWanted)
      try repeated("to_pod.no_match\(family)", false, .known, 81, isIPv6, DatapathPaths.drop, timing, isWanted)
      try repeated("from_pod.deny\(family)", true, .denied, 80, isIPv6, DatapathPaths.drop, timing, isWanted)
      try repeated("from_pod.cidr.no_match\(family)", true, .block, 81, isIPv6, DatapathPaths.drop, timing, isWanted)
      // Allowed and judged each time: a protocol without ports.
      try repeated("from_pod.judged\(family)", true, .known, nil, isIPv6, DatapathPaths.pass, timing, isWanted)
    }
  }

  private func repeated(
    _ path: String, _ isFromPod: Bool, _ peer: Peer, _ port: UInt16?, _ isIPv6: Bool, _ verdict: Int32,
    _ timing: Timing, _ isWanted: (String) -> Bool
  ) throws {
    let name = "\(name).\(path)"
    guard isWanted(name) else { return }
    let packet = packet(isFromPod, peer, port, isIPv6)
    for _ in 0..<2 {
      if isFromPod {
        try timing.check(name, dispatcher.egress, packet, answers: verdict)
      } else {
        try timing.check(name, dispatcher.ingress, packet, answers: verdict)
      }
    }
    if isFromPod {
      try timing.measure(name, dispatcher.egress, packet)
    } else {
      try timing.measure(name, dispatcher.ingress, packet)
    }
  }

  private func single(
    _ path: String, _ isFromPod: Bool, _ peer: Peer, _ port: UInt16, _ isIPv6: Bool, _ isNew: Bool, _ timing: Timing,
    _ isWanted: (String) -> Bool
  ) throws {
    let name = "\(name).\(path)"
    guard isWanted(name) else { return }
    let packet = packet(isFromPod, peer, port, isIPv6)
    var key = flow_key()
    key.peer_address = isIPv6 ? ip_address(peer.v6) : ip_address(peer.v4)
    key.endpoint = UInt16(Self.endpointID)
    key.peer_port = (isFromPod ? port : 40_000).bigEndian
    key.local_port = (isFromPod ? 40_000 : port).bigEndian
    key.protocol = 6
    func prepare() throws {
      if isNew { try datapath.flows.removeValue(forKey: key) }
    }
    if isFromPod {
      try timing.measureSingle(name, dispatcher.egress, packet, prepare)
    } else {
      try timing.measureSingle(name, dispatcher.ingress, packet, prepare)
    }
    // The key has to be the flow's: else the flow was never new but once.
    if isNew, try !datapath.flows.removeValue(forKey: key) {
      throw BPFError(.notFound, "\(name): the packets made no flow")
    }
  }

  /// TCP to a port; nil: protocol 47.
  private func packet(_ isFromPod: Bool, _ peer: Peer, _ port: UInt16?, _ isIPv6: Bool) -> Packet {
    let network: Layer =
      switch (isIPv6, isFromPod) {
      case (false, true): .ipv4(from: Self.pod, to: peer.v4) { if port == nil { $0.protocolNumber = 47 } }
      case (false, false): .ipv4(from: peer.v4, to: Self.pod) { if port == nil { $0.protocolNumber = 47 } }
      case (true, true): .ipv6(from: Self.pod6, to: peer.v6) { if port == nil { $0.nextHeader = 47 } }
      case (true, false): .ipv6(from: peer.v6, to: Self.pod6) { if port == nil { $0.nextHeader = 47 } }
      }
    let transport = port.map { [Layer.tcp(from: 40_000, to: $0)] } ?? []
    return Packet(layers: [.ethernet(), network] + transport, payload: [UInt8](repeating: 0x55, count: 26))
  }
}
