// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import ExampleSupport
import NetworkTypes

/// The paths of packets to and from services, with tables that hold so many of them.
///
/// The pod is isolated and allowed to reach everything, so that policy is asked for each new flow.
final class ServicePaths {
  private static let endpointID: UInt32 = 3
  private static let pod = IPv4Address(10, 0, 0, 5)
  private static let peer = IPv4Address(10, 0, 0, 9)
  private static let pod6 = IPv6Address(high: 0xfd00 << 48, low: 5)
  private static let peer6 = IPv6Address(high: 0xfd00 << 48, low: 9)
  private static let vips6: UInt64 = 0xfd00_0096 << 32

  private let name: String
  private let count: UInt32
  private let maps: ServiceMaps
  private let datapath: PodDatapath
  private let dispatcher: Dispatcher

  init(services: UInt32) throws {
    name = "services.\(services)"
    count = services
    maps = try ServiceMaps.load()
    datapath = try PodDatapath.load(pinDirectory: nil, services: maps)
    try datapath.endpoints.setValue(
      endpoint(ipv4: Self.pod, ipv6: Self.pod6, flags: UInt32(ENDPOINT_PRESENT | ENDPOINT_POLICY_REQUIRED)),
      at: Self.endpointID)
    dispatcher = try datapath.makeDispatcher(endpoint: Self.endpointID)
    try allowEverything()
    try fill()
  }

  private func allowEverything() throws {
    var set = rule_set()
    (set.default_table, set.own_node) = (UInt32(VERDICT_ALLOW), UInt32(RULE_SET_UNRESTRICTED))
    let index = UInt32(RULE_SET_FIRST)
    try datapath.ruleSets.setValue(set, at: index)
    let word = version_word(index)
    datapath.setPolicy(
      endpoint_policy(ingress: .init(policy: word), egress: .init(policy: word)), ofEndpoint: Self.endpointID)
    datapath.publish(generation: 1)
  }

  private static func vip(_ index: UInt32) -> IPv4Address { IPv4Address(rawValue: 0x0a60_0000 + index) }
  private static func vip6(_ index: UInt32) -> IPv6Address { IPv6Address(high: vips6, low: UInt64(index)) }

  /// Service `i`, of both families, has one backend: the peer's port 8080.
  private func fill() throws {
    var words4: [(frontend_key4, frontend_word)] = []
    var words6: [(frontend_key6, frontend_word)] = []
    for index in 1...count {
      for (offset, address, backendAddress) in [
        (UInt32(0), ip_address(Self.vip(index)), ip_address(Self.peer)),
        (count, ip_address(Self.vip6(index)), ip_address(Self.peer6)),
      ] {
        let number = index + offset
        var record = CDatapathABI.backend()
        (record.address, record.port, record.protocol) = (backendAddress, UInt16(8080).bigEndian, 17)
        (record.state, record.service) = (UInt8(BACKEND_ACTIVE), number)
        maps.backends[number] = record
        maps.slots[number] = slot_pair(backend: (number, number))
        let extent = slot_extent(value: UInt64(number * 2) | 1 << UInt64(EXTENT_COUNT_SHIFT))
        maps.services[number] = service(cluster: extent, local: slot_extent())
        var asked = CDatapathABI.vip()
        (asked.address, asked.port, asked.protocol, asked.service) = (address, UInt16(53).bigEndian, 17, number)
        maps.vips[number] = asked
      }
      words4.append(
        (
          frontend_key4(
            address: Self.vip(index).networkOrder, port: UInt16(53).bigEndian, protocol: 17, padding: 0),
          frontend_word(value: UInt64(index) | UInt64(index) << UInt64(FRONTEND_VIP_SHIFT))
        ))
      let second = UInt64(index + count)
      words6.append(
        (
          frontend_key6(
            address: ip_address(Self.vip6(index)), port: UInt16(53).bigEndian, protocol: 17, padding: 0),
          frontend_word(value: second | second << UInt64(FRONTEND_VIP_SHIFT))
        ))
    }
    try maps.frontends4.update(words4)
    try maps.frontends6.update(words6)
  }

  func measure(_ timing: Timing, _ isWanted: (String) -> Bool) throws {
    for isIPv6 in [false, true] {
      let family = isIPv6 ? "6" : ""
      let other = packet(isIPv6, isReply: false, isService: false)
      let request = packet(isIPv6, isReply: false, isService: true)
      let reply = packet(isIPv6, isReply: true, isService: true)
      // Of a flow that is none of a service's, answered: what services cost all others.
      let established = "\(name).from_pod.established\(family)"
      if isWanted(established) {
        try timing.check(established, dispatcher.egress, other, answers: DatapathPaths.pass)
        let answer = packet(isIPv6, isReply: true, isService: false)
        try timing.check(established, dispatcher.ingress, answer, answers: DatapathPaths.pass)
        try timing.check(established, dispatcher.egress, other, answers: DatapathPaths.pass)
        try timing.measure(established, dispatcher.egress, other)
        try timing.measureSingle("\(established).single", dispatcher.egress, other)
      }
      let miss = "\(name).from_pod.miss\(family).single"
      if isWanted(miss) { try timing.measureSingle(miss, dispatcher.egress, other) { try forget() } }
      let new = "\(name).from_pod.service.new\(family).single"
      if isWanted(new) { try timing.measureSingle(new, dispatcher.egress, request) { try forget() } }
      let known = "\(name).from_pod.service\(family).single"
      if isWanted(known) {
        try timing.check(known, dispatcher.egress, request, answers: DatapathPaths.pass)
        try timing.measureSingle(known, dispatcher.egress, request)
      }
      let back = "\(name).to_pod.service\(family).single"
      if isWanted(back) {
        try timing.check(back, dispatcher.egress, request, answers: DatapathPaths.pass)
        try timing.measureSingle(back, dispatcher.ingress, reply)
      }
    }
  }

  /// Makes the next packet the first of its flow, whichever it is.
  private func forget() throws {
    for (address, port) in [
      (ip_address(Self.peer), UInt16(53)), (ip_address(Self.peer), 8080), (ip_address(Self.vip(count)), 53),
      (ip_address(Self.peer6), 53), (ip_address(Self.peer6), 8080), (ip_address(Self.vip6(count)), 53),
    ] {
      var key = flow_key()
      (key.peer_address, key.peer_port, key.local_port) = (address, port.bigEndian, UInt16(4000).bigEndian)
      (key.endpoint, key.protocol) = (UInt16(Self.endpointID), 17)
      try datapath.flows.removeValue(forKey: key)
    }
  }

  /// UDP between port 4000 of the pod and the last service, or the peer's port 53.
  private func packet(_ isIPv6: Bool, isReply: Bool, isService: Bool) -> Packet {
    let network: Layer =
      switch (isIPv6, isReply) {
      case (false, false): .ipv4(from: Self.pod, to: isService ? Self.vip(count) : Self.peer)
      case (false, true): .ipv4(from: Self.peer, to: Self.pod)
      case (true, false): .ipv6(from: Self.pod6, to: isService ? Self.vip6(count) : Self.peer6)
      case (true, true): .ipv6(from: Self.peer6, to: Self.pod6)
      }
    let ports: (UInt16, UInt16) = isReply ? (isService ? 8080 : 53, 4000) : (4000, 53)
    return Packet(
      layers: [.ethernet(), network, .udp(from: ports.0, to: ports.1)], payload: [UInt8](repeating: 0x55, count: 26))
  }
}
