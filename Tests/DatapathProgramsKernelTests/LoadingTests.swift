// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Foundation
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SystemPackage
import Testing

@Suite("Loading and pins", .serialized, .requires(.root))
struct LoadingTests {
  /// A bpf file system of the test's own.
  static func withPins(_ body: (FilePath) async throws -> Void) async throws {
    let root = FilePath("/tmp/terwaykit-pins-\(UInt64.random(in: 0 ... .max))")
    try BPFFileSystem.ensureMounted(at: root)
    defer {
      _ = unsafe root.withPlatformString { unsafe umount2($0, Int32(MNT_DETACH)) }
      _ = unsafe root.withPlatformString { unsafe rmdir($0) }
    }
    try await body(root.appending("datapath"))
  }

  static let udp = IPv4Packet(from: PodFixture.pod, to: PodFixture.peer, .udp(from: 1000, to: 53)).frame

  @Test func `an upgrade keeps maps, flows and attached dispatchers, and swaps the programs`() async throws {
    try await Self.withPins { directory in
      let first = try PodDatapath.load(pinDirectory: directory, limits: .small)
      let dispatcher = try first.makeDispatcher(endpoint: 3)
      try first.endpoints.setValue(
        endpoint(ipv4: PodFixture.pod, flags: UInt32(ENDPOINT_PRESENT)), at: 3)
      #expect(try dispatcher.egress.test(packet: Self.udp).returnValue == -1)
      #expect(try first.programs.programIdentifier(at: 0) == first.fromPod.identifier)

      // Other limits: what is pinned keeps its size.
      let second = try PodDatapath.load(pinDirectory: directory, limits: .default)
      #expect(second.flows.identifier == first.flows.identifier)
      #expect(second.flows.info.maximumEntryCount == DatapathLimits.small.flows)
      #expect(second.flowEvents.identifier == first.flowEvents.identifier)
      #expect(second.fromPod.identifier != first.fromPod.identifier)
      #expect(try second.programs.programIdentifier(at: 0) == second.fromPod.identifier)
      #expect(try second.programs.programIdentifier(at: 1) == second.toPod.identifier)
      #expect(try second.flows.entries().count == 1)
      #expect(try dispatcher.egress.test(packet: Self.udp).returnValue == -1)
      #expect(try second.flows.entries().count == 1)
    }
  }

  @Test func `pinned programs go on without the process that loaded them, unpinned ones end closed`() async throws {
    try await Self.withPins { directory in
      let pinned = try Self.dispatcherOfDroppedDatapath(pinDirectory: directory)
      #expect(try pinned.egress.test(packet: Self.udp).returnValue == -1)
      let unpinned = try Self.dispatcherOfDroppedDatapath(pinDirectory: nil)
      // The kernel empties the array in the background.
      var verdict = try unpinned.egress.test(packet: Self.udp).returnValue
      for _ in 0..<100 where verdict != 2 {
        try await Task.sleep(for: .milliseconds(20))
        verdict = try unpinned.egress.test(packet: Self.udp).returnValue
      }
      #expect(verdict == 2)
    }
  }

  /// Loads, and lets everything go but the dispatcher's programs.
  private static func dispatcherOfDroppedDatapath(pinDirectory: FilePath?) throws -> Dispatcher {
    let datapath = try PodDatapath.load(pinDirectory: pinDirectory, limits: .small)
    try datapath.endpoints.setValue(
      endpoint(ipv4: PodFixture.pod, flags: UInt32(ENDPOINT_PRESENT)), at: 5)
    return try datapath.makeDispatcher(endpoint: 5)
  }

  @Test func `a missing pin is made again beside those that are there`() async throws {
    try await Self.withPins { directory in
      let first = try PodDatapath.load(pinDirectory: directory, limits: .small).flows.identifier
      try BPFFileSystem.removePin(at: directory.appending("event_lost"))
      let second = try PodDatapath.load(pinDirectory: directory, limits: .small)
      #expect(second.flows.identifier == first)
      let names = try FileManager.default.contentsOfDirectory(atPath: directory.string)
      #expect(Set(names) == Set(PodDatapath.pinnedMaps))
    }
  }

  @Test func `a pinned map of another layout is refused by name, and the programs in force stay`() async throws {
    try await Self.withPins { directory in
      let first = try PodDatapath.load(pinDirectory: directory, limits: .small)
      try BPFFileSystem.removePin(at: directory.appending("flow"))
      try first.dropCounters.pin(at: directory.appending("flow"))
      do {
        _ = try PodDatapath.load(pinDirectory: directory, limits: .small)
        Issue.record("a per-CPU array was taken for the flow table")
      } catch let error as BPFError {
        #expect(error.code == .incompatibleMap || error.code == .layoutMismatch)
        #expect(error.message.contains("drop_counter") || error.message.contains("flow"), "\(error)")
      }
      #expect(try first.programs.programIdentifier(at: 0) == first.fromPod.identifier)
    }
  }

  @Test func `a pin directory that is not on a bpf file system is refused by name`() throws {
    do {
      _ = try PodDatapath.load(pinDirectory: "/tmp/terwaykit-not-bpf")
      Issue.record("pinned on a file system that cannot")
    } catch {
      #expect(error.code == .notBPFFileSystem)
      #expect(error.message.contains("/tmp/terwaykit-not-bpf"), "\(error)")
    }
  }

  @Test func `limits are the maps' sizes`() throws {
    let limits = DatapathLimits(
      flows: 100, peers: 20, ruleSets: 21, verdicts: 30, addressRanges: 22, portTables: 23, portRanges: 24,
      decisions: 25, eventBytes: 8192)
    let datapath = try PodDatapath.load(pinDirectory: nil, limits: limits)
    #expect(datapath.flows.info.maximumEntryCount >= 100)
    #expect(datapath.peers.info.maximumEntryCount == 20 && datapath.peerClasses.count == 20)
    #expect(datapath.ruleSets.count == 21 && datapath.verdicts.info.maximumEntryCount == 30)
    #expect(datapath.addressRanges4.count == 22 && datapath.addressRanges6.count == 22)
    #expect(datapath.portTables.count == 23 && datapath.portRanges.count == 24)
    #expect(datapath.decisionCounters.info.maximumEntryCount == 25)
    #expect(datapath.flowEvents.capacity == 8192)
  }

  @Test func `a limit of 0 is refused by the map's name`() throws {
    do {
      _ = try PodDatapath.load(pinDirectory: nil, limits: DatapathLimits(flows: 0))
      Issue.record("a flow table of no flows")
    } catch {
      #expect(error.code == .invalidArgument)
      #expect(error.message.contains("\"flow\"") && error.message.contains("at least 1"), "\(error)")
    }
  }

  @Test func `more address ranges than a search reaches are refused`() throws {
    do {
      _ = try PodDatapath.load(pinDirectory: nil, limits: DatapathLimits(addressRanges: (1 << 20) + 1))
      Issue.record("ranges that are never found")
    } catch {
      #expect(error.code == .invalidArgument && error.message.contains("address_range"), "\(error)")
    }
  }

  @Test(arguments: [0, 4096, UInt32.max])
  func `an endpoint that cannot be is an error that names the range, not a trap`(endpoint: UInt32) throws {
    let datapath = try PodDatapath.load(pinDirectory: nil, limits: .small)
    do {
      _ = try datapath.makeDispatcher(endpoint: endpoint)
      Issue.record("a dispatcher for endpoint \(endpoint)")
    } catch {
      #expect(error.code == .invalidArgument)
      #expect(error.message.contains("endpoint \(endpoint)") && error.message.contains("1 ... 4095"), "\(error)")
    }
  }

  @Test func `loading and letting go leaves no descriptor open`() async throws {
    try await expectNoDescriptorLeak {
      let datapath = try PodDatapath.load(pinDirectory: nil, limits: .small)
      let dispatcher = try datapath.makeDispatcher(endpoint: 9)
      #expect(dispatcher.endpoint == 9)
    }
  }
}
