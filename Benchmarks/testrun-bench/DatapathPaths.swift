// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import NetworkTypes

/// The paths through the pod programs that no policy is asked for.
final class DatapathPaths {
  /// One path: which program, on what, and what it has to answer.
  private struct Path {
    var name: String
    var isFromPod: Bool
    var packet: Packet
    var verdict: Int32
  }

  private static let endpointID: UInt32 = 3
  private static let closedID: UInt32 = 4
  private static let pod = IPv4Address(10, 0, 0, 5)
  private static let peer = IPv4Address(10, 0, 0, 9)
  private static let pod6 = IPv6Address(high: 0xfd00 << 48, low: 5)
  private static let peer6 = IPv6Address(high: 0xfd00 << 48, low: 9)
  static let pass: Int32 = -1
  static let drop: Int32 = 2

  private let datapath: PodDatapath
  private let dispatcher: Dispatcher
  /// Of an endpoint that must have a policy and has none.
  private let closed: Dispatcher
  private let empty: BPFProgram

  init() throws {
    datapath = try PodDatapath.load(pinDirectory: nil)
    let present = UInt32(ENDPOINT_PRESENT)
    try datapath.endpoints.setValue(
      endpoint(ipv4: Self.pod, ipv6: Self.pod6, flags: present), at: Self.endpointID)
    try datapath.endpoints.setValue(
      endpoint(ipv4: Self.pod, ipv6: Self.pod6, flags: present | UInt32(ENDPOINT_POLICY_REQUIRED)), at: Self.closedID)
    dispatcher = try datapath.makeDispatcher(endpoint: Self.endpointID)
    closed = try datapath.makeDispatcher(endpoint: Self.closedID)
    empty = try BPFProgram.empty()
  }

  func measure(_ timing: Timing, _ isWanted: (String) -> Bool) throws {
    let paths = Self.paths
    if isWanted("null") { try timing.measure("null", empty, paths[0].packet) }
    for path in paths where isWanted(path.name) {
      let isClosed = path.name.hasSuffix(".denied")
      switch (isClosed, path.isFromPod) {
      case (false, true): try measure(path, dispatcher.egress, timing)
      case (false, false): try measure(path, dispatcher.ingress, timing)
      case (true, true): try measure(path, closed.egress, timing)
      case (true, false): try measure(path, closed.ingress, timing)
      }
    }
    if isWanted("null.single") { try timing.measureSingle("null.single", empty, paths[0].packet) }
    if isWanted("from_pod.new.single") {
      var key = flow_key()
      key.peer_address = ip_address(Self.peer)
      key.endpoint = UInt16(Self.endpointID)
      (key.peer_port, key.local_port, key.protocol) = (UInt16(53).bigEndian, UInt16(4000).bigEndian, 17)
      try timing.measureSingle("from_pod.new.single", dispatcher.egress, paths[0].packet) {
        try datapath.flows.removeValue(forKey: key)
      }
    }
  }

  private func measure(_ path: Path, _ program: borrowing BPFProgram, _ timing: Timing) throws {
    // The first packet makes the flow, and tells that the path is the one meant.
    for _ in 0..<2 { try timing.check(path.name, program, path.packet, answers: path.verdict) }
    try timing.measure(path.name, program, path.packet)
  }

  private static let paths: [Path] = {
    let out = Layer.ipv4(from: pod, to: peer)
    let back = Layer.ipv4(from: peer, to: pod)
    let out6 = Layer.ipv6(from: pod6, to: peer6)
    let back6 = Layer.ipv6(from: peer6, to: pod6)
    let payload = [UInt8](repeating: 0x55, count: 26)
    func path(_ name: String, _ isFromPod: Bool, _ verdict: Int32 = pass, _ layers: Layer...) -> Path {
      Path(
        name: name, isFromPod: isFromPod, packet: Packet(layers: [.ethernet()] + layers, payload: payload),
        verdict: verdict)
    }
    return [
      path("from_pod.established", true, pass, out, .udp(from: 4000, to: 53)),
      path("to_pod.established", false, pass, back, .udp(from: 53, to: 4000)),
      path("from_pod.tcp", true, pass, out, .tcp(from: 4001, to: 80)),
      path("to_pod.tcp", false, pass, back, .tcp(from: 80, to: 4001)),
      path("from_pod.echo", true, pass, out, .echoRequest(identifier: 7)),
      path("from_pod.established6", true, pass, out6, .udp(from: 4000, to: 53)),
      path("to_pod.established6", false, pass, back6, .udp(from: 53, to: 4000)),
      path("from_pod.tcp6", true, pass, out6, .tcp(from: 4001, to: 80)),
      path("from_pod.options6", true, pass, out6, .destinationOptions([]), .udp(from: 4000, to: 53)),
      path("from_pod.arp", true, pass, .arpRequest(from: pod, for: peer)),
      path("from_pod.spoofed", true, drop, back, .udp(from: 4000, to: 53)),
      path("from_pod.denied", true, drop, out, .udp(from: 4000, to: 53)),
      path("to_pod.denied", false, drop, back, .udp(from: 5000, to: 53)),
    ]
  }()
}
