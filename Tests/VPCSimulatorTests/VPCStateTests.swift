// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import NetworkTypes
import Testing

@testable import VPCSimulator

@Suite("Rules of the region")
struct VPCStateTests {
  let now = APITimestamp(secondsSince1970: 1_700_000_000)

  func request(_ vSwitch: VSwitchIdentifier = "vsw-a", _ addresses: AddressRequest? = nil) -> NetworkInterfaceRequest {
    NetworkInterfaceRequest(vSwitch: vSwitch, securityGroups: ["sg-1"], secondaryAddresses: addresses)
  }

  /// Creates an interface and ends its transition.
  func make(
    _ state: inout VPCState, _ vSwitch: VSwitchIdentifier = "vsw-a", _ addresses: AddressRequest? = nil
  ) throws -> ENIIdentifier {
    let (record, work) = try state.createInterface(request(vSwitch, addresses), now: now)
    if let work { state.complete(work) }
    return record.interface.id
  }

  @Test func `the first and the last three addresses are kept, and the gateway is the third from the end`() throws {
    var state = try VPCState(.small())
    #expect(state.vSwitch("vsw-b")?.availableAddressCount == 4)
    let id = try make(&state, "vsw-b", .count(3))
    #expect(
      state.interfaces[id]?.interface.privateAddresses.map(\.address.description) == [
        "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4",
      ])
    #expect(state.vSwitch("vsw-b")?.availableAddressCount == 0)
    _ = try state.attachInterface(id, to: "node-3")
    #expect(state.port(of: id)?.gateway.description == "10.0.1.5")
    #expect(state.port(of: id)?.prefixLength == 29)
    expectRefusal(("InvalidVSwitchId.IpNotEnough", 403)) { try make(&state, "vsw-b") }
  }

  @Test func `a refused creation takes no address`() throws {
    var state = try VPCState(.small())
    expectRefusal(("InvalidVSwitchId.IpNotEnough", 403)) { try make(&state, "vsw-b", .count(4)) }
    #expect(state.vSwitch("vsw-b")?.availableAddressCount == 4)
    #expect(state.interfaces.isEmpty)
  }

  @Test func `a freed address comes back last`() throws {
    var state = try VPCState(.small())
    let id = try make(&state, "vsw-b")
    state.complete(try state.deleteInterface(id))
    #expect(state.vSwitch("vsw-b")?.availableAddressCount == 4)
    let next = try make(&state, "vsw-b")
    #expect(state.interfaces[next]?.interface.primaryAddress.description == "10.0.1.2")
  }

  @Test func `a client token names one intent`() throws {
    var state = try VPCState(.small())
    let first = try state.createInterface(request(), token: ("t", ["a": "1"]), now: now)
    let again = try state.createInterface(request(), token: ("t", ["a": "1"]), now: now)
    #expect(again.record == first.record)
    #expect(again.work == nil)
    #expect(state.interfaces.count == 1)
    expectRefusal(("IdempotentParameterMismatch", 400)) {
      try state.createInterface(request(), token: ("t", ["a": "2"]), now: now)
    }
  }

  @Test func `the ledger forgets the oldest token first`() throws {
    var ledger = TokenLedger<Int>(capacity: 2)
    for (index, token) in ["a", "b", "c"].enumerated() { ledger.remember(token, [:], index) }
    #expect(try ledger.answer("a", [:]) == nil)
    #expect(try ledger.answer("b", [:]) == 1)
    ledger.forget("b")
    #expect(try ledger.answer("b", [:]) == nil)
  }

  @Test func `each action is legal in its states only`() throws {
    var state = try VPCState(.small())
    let (record, creation) = try state.createInterface(request(), now: now)
    let id = record.interface.id
    let wrongState = ("InvalidOperation.InvalidEniState", 400)
    func status() -> NetworkInterface.Status? { state.interfaces[id]?.interface.status }

    #expect(status() == .creating)
    expectRefusal(wrongState) { try state.attachInterface(id, to: "node-1") }
    expectRefusal(wrongState) { try state.deleteInterface(id) }
    state.complete(try #require(creation))
    #expect(status() == .available)
    expectRefusal(wrongState) { try state.detachInterface(id, from: "node-1") }

    let attachment = try state.attachInterface(id, to: "node-1")
    #expect(status() == .attaching)
    #expect(state.interfaces[id]?.interface.attachment == .init(instance: "node-1", deviceIndex: 1))
    for action in [
      { try state.attachInterface(id, to: "node-1") }, { try state.detachInterface(id, from: "node-1") },
      { try state.deleteInterface(id) },
    ] { expectRefusal(wrongState) { try action() } }
    expectRefusal(wrongState) { try state.assignAddresses(.count(1), to: id) }
    state.complete(attachment)
    #expect(status() == .inUse)
    expectRefusal(wrongState) { try state.deleteInterface(id) }
    expectRefusal(("InvalidOperation.EniNotAttached", 400)) { try state.detachInterface(id, from: "node-2") }

    let detachment = try state.detachInterface(id, from: "node-1")
    #expect(status() == .detaching)
    #expect(try state.detachInterface(id, from: "node-1") == detachment)
    state.complete(attachment)
    #expect(status() == .detaching)
    state.complete(detachment)
    #expect(status() == .available)
    #expect(state.interfaces[id]?.interface.attachment == nil)

    let deletion = try state.deleteInterface(id)
    #expect(status() == .deleting)
    #expect(try state.deleteInterface(id) == deletion)
    state.complete(deletion)
    #expect(status() == nil)
    expectRefusal(("InvalidEniId.NotFound", 404)) { try state.deleteInterface(id) }
  }

  @Test func `a failed attachment is undone, a failed detachment stays`() throws {
    var state = try VPCState(.small())
    let id = try make(&state)
    state.fail(try state.attachInterface(id, to: "node-1"))
    #expect(state.interfaces[id]?.interface.status == .available)
    #expect(state.interfaces[id]?.interface.attachment == nil)
    state.complete(try state.attachInterface(id, to: "node-1"))
    state.fail(try state.detachInterface(id, from: "node-1"))
    #expect(state.interfaces[id]?.interface.status == .detaching)
  }

  @Test func `an instance has its type's number of interfaces, its primary one included`() throws {
    var state = try VPCState(.small(instanceType: "ecs.g7.large"))
    let ids = try (0..<3).map { _ in try make(&state) }
    for id in ids[..<2] { state.complete(try state.attachInterface(id, to: "node-1")) }
    #expect(state.interfaces[ids[1]]?.interface.attachment?.deviceIndex == 2)
    expectRefusal(("EniPerInstanceLimitExceeded", 403)) { try state.attachInterface(ids[2], to: "node-1") }
    state.complete(try state.attachInterface(ids[2], to: "node-2"))
  }

  @Test func `no more than five attachments of an instance are under way`() throws {
    var state = try VPCState(.small(instanceType: "ecs.g7.4xlarge"))
    let ids = try (0..<6).map { _ in try make(&state) }
    let works = try ids[..<5].map { try state.attachInterface($0, to: "node-1") }
    expectRefusal(("Operation.Conflict", 409)) { try state.attachInterface(ids[5], to: "node-1") }
    state.complete(works[0])
    _ = try state.attachInterface(ids[5], to: "node-1")
  }

  @Test func `attaching needs an instance of the same zone`() throws {
    var state = try VPCState(.small())
    let id = try make(&state)
    expectRefusal(("InvalidOperation.AvailabilityZoneMismatch", 403)) {
      try state.attachInterface(id, to: "node-3")
    }
    expectRefusal(("InvalidEcsId.NotFound", 404)) { try state.attachInterface(id, to: "node-9") }
  }

  @Test func `addresses are limited by ten, then by the instance type`() throws {
    var state = try VPCState(.small())
    let id = try make(&state)
    _ = try state.assignAddresses(.count(9), to: id)
    let full = ("InvalidOperation.Ipv4CountExceeded", 403)
    expectRefusal(full) { try state.assignAddresses(.count(1), to: id) }
    state.complete(try state.attachInterface(id, to: "node-1"))
    _ = try state.assignAddresses(.count(5), to: id)
    expectRefusal(full) { try state.assignAddresses(.count(1), to: id) }
    expectRefusal(("InvalidParameter", 400)) { try state.assignAddresses(.count(0), to: id) }
    expectRefusal(("InvalidParameter", 400)) { try state.assignAddresses(.count(50), to: id) }
  }

  @Test(arguments: [
    (["10.0.0.1"], "InvalidIp.IpAssigned", 403), (["10.0.0.9", "10.0.0.9"], "InvalidIp.IpRepeated", 400),
    (["10.0.0.0"], "InvalidIp.Address", 400), (["10.0.0.253"], "InvalidIp.Address", 400),
    (["10.0.1.1"], "InvalidIp.Address", 400), (["10.0.0.9", "10.0.0.255"], "InvalidIp.Address", 400),
  ])
  func `an explicit address must be free and inside`(_ texts: [String], _ code: String, _ status: Int) throws {
    var state = try VPCState(.small())
    let id = try make(&state)
    let addresses = texts.compactMap { IPv4Address($0) }
    expectRefusal((code, status)) { try state.assignAddresses(.addresses(addresses), to: id) }
    #expect(state.vSwitch("vsw-a")?.availableAddressCount == 251)
  }

  @Test func `explicit addresses are given, and taken away again`() throws {
    var state = try VPCState(.small())
    let id = try make(&state)
    let wanted = [IPv4Address(10, 0, 0, 77), IPv4Address(10, 0, 0, 252)]
    #expect(try state.assignAddresses(.addresses(wanted), to: id).addresses == wanted)
    try state.unassignAddresses([wanted[0]], from: id)
    #expect(state.vSwitch("vsw-a")?.availableAddressCount == 249)
    state.releaseAddresses([wanted[0]], to: "vsw-a")
    #expect(state.vSwitch("vsw-a")?.availableAddressCount == 250)
    #expect(state.interfaces[id]?.interface.secondaryAddresses == [wanted[1]])
    expectRefusal(("InvalidIp.IpUnassigned", 403)) { try state.unassignAddresses([wanted[0]], from: id) }
    expectRefusal(("InvalidIp.Address", 400)) {
      try state.unassignAddresses([IPv4Address(10, 0, 0, 1)], from: id)
    }
    expectRefusal(("MissingParameter", 400)) { try state.unassignAddresses([], from: id) }
  }

  @Test func `creation names what does not exist`() throws {
    var state = try VPCState(.small())
    expectRefusal(("InvalidVSwitchId.NotFound", 404)) { try make(&state, "vsw-z") }
    var other = request()
    other.securityGroups = ["sg-9"]
    expectRefusal(("InvalidSecurityGroupId.NotFound", 404)) { try state.createInterface(other, now: now) }
    other.securityGroups = []
    expectRefusal(("MissingParameter", 400)) { try state.createInterface(other, now: now) }
    other = request()
    other.kind = .primary
    expectRefusal(("InvalidParameter", 400)) { try state.createInterface(other, now: now) }
  }

  @Test func `a region holds so many interfaces`() throws {
    var configuration = try VPCConfiguration.small()
    configuration.maximumInterfaces = 1
    var state = try VPCState(configuration)
    _ = try make(&state)
    expectRefusal(("MaxEniCountExceeded", 403)) { try make(&state) }
  }

  @Test(arguments: [
    ("10.0.0.0/30", [("v", "10.0.0.0/29")], "10.0.0.0/30"), ("10.0.0.0/16", [("v", "10.0.0.0/30")], "10.0.0.0/30"),
    ("10.0.0.0/16", [("v", "10.0.0.1/24")], "write 10.0.0.0/24"),
    ("10.0.0.0/16", [("v", "10.1.0.0/24")], "10.1.0.0/24"),
    ("10.0.0.0/16", [("v", "10.0.0.0/24"), ("v", "10.0.1.0/24")], "twice"),
    ("10.0.0.0/16", [("v", "10.0.0.0/24"), ("w", "10.0.0.128/25")], "overlaps"), ("10.0.0.0/16", [], "vSwitch"),
  ])
  func `an impossible region is refused by name`(_ cidr: String, _ switches: [(String, String)], _ word: String) throws
  {
    let configuration = VPCConfiguration(
      cidr: try VPCConfiguration.block(cidr),
      vSwitches: try switches.map {
        .init(id: VSwitchIdentifier(unchecked: $0.0), cidr: try VPCConfiguration.block($0.1))
      })
    let error = #expect(throws: VPCConfigurationError.self) { try VPCState(configuration) }
    #expect(error?.message.contains(word) == true)
  }
}
