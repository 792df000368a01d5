// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CAllocationCounter
import CDatapathABI
import DatapathPrograms
import ExampleSupport
import NetworkTypes

/// The paths that a packet can take through the pod programs.
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
  private static let pass: Int32 = -1
  private static let drop: Int32 = 2

  private let datapath: PodDatapath
  private let dispatcher: Dispatcher
  /// Of an endpoint that must have a policy and has none.
  private let closed: Dispatcher
  private let empty: BPFProgram

  init() throws {
    datapath = try PodDatapath.load(pinDirectory: nil)
    let present = UInt32(ENDPOINT_PRESENT)
    try datapath.endpoints.setValue(
      endpoint(address: Self.pod.networkOrder, flags: present), at: Self.endpointID)
    try datapath.endpoints.setValue(
      endpoint(address: Self.pod.networkOrder, flags: present | UInt32(ENDPOINT_POLICY_REQUIRED)), at: Self.closedID)
    dispatcher = try datapath.makeDispatcher(endpoint: Self.endpointID)
    closed = try datapath.makeDispatcher(endpoint: Self.closedID)
    empty = try BPFProgram.empty()
  }

  func measure(runs: Int32, batches: Int, _ isWanted: (String) -> Bool) throws {
    let paths = Self.paths
    if isWanted("null") { try measure(empty, paths[0].packet, "null", runs, batches) }
    for path in paths where isWanted(path.name) {
      let isClosed = path.name.hasSuffix(".denied")
      switch (isClosed, path.isFromPod) {
      case (false, true): try measure(path, dispatcher.egress, runs, batches)
      case (false, false): try measure(path, dispatcher.ingress, runs, batches)
      case (true, true): try measure(path, closed.egress, runs, batches)
      case (true, false): try measure(path, closed.ingress, runs, batches)
      }
    }
    if isWanted("null.single") { try measureSingle("null.single", empty, batches: batches * 20) {} }
    if isWanted("from_pod.new.single") {
      try measureSingle("from_pod.new.single", dispatcher.egress, batches: batches * 20) {
        _ = try datapath.removeFlows(ofEndpoint: Self.endpointID)
      }
    }
  }

  private func measure(
    _ path: Path, _ program: borrowing BPFProgram, _ runs: Int32, _ batches: Int
  ) throws {
    // The first packet makes the flow, and tells that the path is the one meant.
    for _ in 0..<2 {
      let run = try program.test(path.packet)
      guard run.returnValue == path.verdict else {
        throw ExampleError("\(path.name): the program answered \(run.returnValue), not \(path.verdict)")
      }
    }
    try measure(program, path.packet, path.name, runs, batches)
  }

  private func measure(
    _ program: borrowing BPFProgram, _ packet: Packet, _ name: String, _ runs: Int32, _ batches: Int
  ) throws {
    let bytes = packet.bytes
    _ = try program.time(packet: bytes, repeat: runs, batches: 3)
    let (allocations, processor) = (allocation_count(), Line.processorTime())
    let timing = try program.time(packet: bytes, repeat: runs, batches: batches)
    let count = Double(runs) * Double(batches)
    Line(
      op: name, value: timing.median, minimum: timing.minimum, percentile95: timing.percentile95, mean: timing.mean,
      kernel: timing.kernelMedian,
      count: Int(count), cpu: (Line.processorTime() - processor) / count,
      allocations: Double(allocation_count() - allocations) / count
    ).print()
  }

  /// One run per call, by the kernel's clock, with something done in between.
  private func measureSingle(
    _ name: String, _ program: borrowing BPFProgram, batches: Int, _ prepare: () throws -> Void
  ) throws {
    let bytes = Self.paths[0].packet.bytes
    var times: [UInt32] = []
    times.reserveCapacity(batches)
    var (allocations, processor): (UInt64, Double) = (0, 0)
    for _ in 0..<batches {
      try prepare()
      let before = (allocation_count(), Line.processorTime())
      times.append(try program.test(packet: bytes).duration)
      allocations += allocation_count() - before.0
      processor += Line.processorTime() - before.1
    }
    times.sort()
    let count = Double(batches)
    Line(
      op: name, value: Double(times[batches / 2]), minimum: Double(times[0]),
      percentile95: Double(times[batches * 95 / 100]), mean: Double(times.reduce(0) { $0 + UInt64($1) }) / count,
      kernel: times[batches / 2], count: batches, cpu: processor / count, allocations: Double(allocations) / count
    ).print()
  }

  private static let paths: [Path] = {
    let out = Layer.ipv4(from: pod, to: peer)
    let back = Layer.ipv4(from: peer, to: pod)
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
      path("from_pod.arp", true, pass, .arpRequest(from: pod, for: peer)),
      path("from_pod.spoofed", true, drop, back, .udp(from: 4000, to: 53)),
      path("from_pod.denied", true, drop, out, .udp(from: 4000, to: 53)),
      path("to_pod.denied", false, drop, back, .udp(from: 5000, to: 53)),
    ]
  }()
}
