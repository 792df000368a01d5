// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import NetworkTypes
import Testing

/// A loaded datapath with one pod of both families, whose packets are test runs through its dispatcher.
struct PodFixture: ~Copyable {
  /// What became of a packet.
  enum Outcome: Hashable {
    case passes
    case drops(DropReason)
  }

  static let endpointID: UInt32 = 3
  static let pod = Family.v4.pod.v4
  static let peer = Family.v4.peer.v4
  static let stranger = Family.v4.stranger.v4
  static let node = Family.v4.node.v4

  let datapath: PodDatapath
  let dispatcher: Dispatcher
  let tables: TestTables

  init(
    isPolicyRequired: Bool = false, limits: DatapathLimits = .small, recordsAllowedFlows: Bool = false,
    services: ServiceMaps? = nil
  ) throws {
    let datapath = try PodDatapath.load(
      pinDirectory: nil, limits: limits, recordsAllowedFlows: recordsAllowedFlows, services: services)
    try self.init(datapath, isPolicyRequired: isPolicyRequired)
  }

  /// The same with a datapath that was loaded otherwise.
  init(_ datapath: PodDatapath, isPolicyRequired: Bool = false) throws {
    let flags = UInt32(ENDPOINT_PRESENT) | (isPolicyRequired ? UInt32(ENDPOINT_POLICY_REQUIRED) : 0)
    try datapath.endpoints.setValue(
      endpoint(ipv4: Self.pod, ipv6: Family.v6.pod.v6, flags: flags), at: Self.endpointID)
    let dispatcher = try datapath.makeDispatcher(endpoint: Self.endpointID)
    self.init(datapath: datapath, dispatcher: dispatcher)
  }

  private init(datapath: PodDatapath, dispatcher: consuming Dispatcher) {
    self.datapath = datapath
    self.dispatcher = dispatcher
    tables = TestTables(datapath)
  }

  /// Runs the program of the direction on a frame, and tells the reason from what was counted.
  func send(_ frame: [UInt8], _ direction: FlowRecord.Direction) throws -> Outcome {
    let before = try datapath.readDropCounters()
    let result =
      switch direction {
      case .egress: try dispatcher.egress.test(packet: frame)
      case .ingress: try dispatcher.ingress.test(packet: frame)
      }
    let after = try datapath.readDropCounters()
    let counted = after.filter { before[$0.key] != $0.value }
    if result.returnValue == -1 {
      #expect(counted.isEmpty, "passed, but counted \(counted)")
      return .passes
    }
    #expect(result.returnValue == 2, "neither TC_ACT_UNSPEC nor TC_ACT_SHOT")
    let (reason, count) = try #require(counted.first, "dropped without a count")
    #expect(counted.count == 1, "counted twice: \(counted)")
    #expect(count.packets == (before[reason]?.packets ?? 0) + 1)
    #expect(count.bytes == (before[reason]?.bytes ?? 0) + UInt64(frame.count))
    return .drops(reason)
  }

  func send(_ packet: Packet, _ direction: FlowRecord.Direction) throws -> Outcome {
    try send(packet.bytes, direction)
  }

  /// The pod sends, to the family's peer if to nobody else.
  func fromPod(
    _ message: Message, _ family: Family = .v4, to peer: IPAddress? = nil, payload: [UInt8] = []
  ) throws -> Outcome {
    try send(message.packet(from: family.pod, to: peer ?? family.peer, payload: payload), .egress)
  }

  /// A peer sends to the pod.
  func toPod(
    _ message: Message, _ family: Family = .v4, from peer: IPAddress? = nil, payload: [UInt8] = []
  ) throws -> Outcome {
    try send(message.packet(from: peer ?? family.peer, to: family.pod, payload: payload), .ingress)
  }

  /// Sets an `ENDPOINT_*` flag of the pod.
  func setFlag(_ flag: UInt32) throws {
    var entry = try #require(try datapath.endpoints.value(at: Self.endpointID))
    entry.flags |= flag
    try datapath.endpoints.setValue(entry, at: Self.endpointID)
  }

  /// Makes every tracked flow look as if it had been idle for so long.
  func ageFlows(bySeconds seconds: UInt64) throws {
    for (key, state) in try datapath.flows.entries() {
      var older = state
      // A machine that was booted a moment ago goes below zero, as the programs expect.
      older.last_seen &-= seconds * 1_000_000_000
      try datapath.flows.updateValue(older, forKey: key)
    }
  }

  /// The only flow.
  func flow() throws -> flow_state {
    let entries = try datapath.flows.entries()
    #expect(entries.count == 1)
    return try #require(entries.first).1
  }
}

extension DatapathLimits {
  /// Enough for a test.
  static let small = DatapathLimits(
    flows: 1024, peers: 256, ruleSets: 256, verdicts: 256, addressRanges: 16_384, portTables: 256, portRanges: 8192,
    decisions: 1024, eventBytes: 65_536)
}
