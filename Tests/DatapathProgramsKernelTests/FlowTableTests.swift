// SPDX-License-Identifier: Apache-2.0

import BPFTesting
import CDatapathABI
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import BPFMaps
@testable import DatapathPrograms

/// What happens when the flow table takes no more.
@Suite("Full flow table", .serialized, .requires(.root))
struct FlowTableTests {
  @Test(arguments: Family.allCases)
  func `a flow that the table refuses is dropped and counted, and those in it go on`(family: Family) throws {
    // The real table makes room for every flow, so here it is one that does not.
    var object = try BPFObject(DatapathObject.pod.embedded)
    try object.setKind(.hash, forMap: "flow")
    for (map, size) in DatapathLimits.small.sizes { try object.setMaxEntries(size, forMap: map) }
    try object.setMaxEntries(1, forMap: "flow")
    for (map, size) in ServiceMapLimits.none.sizes { try object.setMaxEntries(size, forMap: map) }
    let datapath = try PodDatapath(object.load(), nil)
    try datapath.programs.setProgram(datapath.toPod, at: UInt32(POD_PROGRAM_INGRESS))
    try datapath.programs.setProgram(datapath.fromPod, at: UInt32(POD_PROGRAM_EGRESS))
    let fixture = try PodFixture(datapath)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .passes)
    for port in UInt16(2)..<5 {
      #expect(try fixture.fromPod(.udp(from: port, to: 53), family) == .drops(.flowCreate))
      #expect(try fixture.toPod(.tcp(from: port, to: 80, flags: .syn), family) == .drops(.flowCreate))
    }
    #expect(try datapath.readDropCounters()[.flowCreate]?.packets == 6)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .passes)
    #expect(try fixture.toPod(.udp(from: 53, to: 1), family) == .passes)
    #expect(try datapath.flows.entries().count == 1)
    // What is judged packet by packet needs no room.
    #expect(try fixture.fromPod(.other(47), family, payload: [1, 2, 3, 4]) == .passes)
    // Room is room again.
    try datapath.flows.removeAll()
    #expect(try fixture.fromPod(.udp(from: 2, to: 53), family) == .passes)
  }
}
