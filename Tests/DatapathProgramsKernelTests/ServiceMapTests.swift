// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SystemPackage
import Testing

@Suite("Maps of services", .serialized, .requires(.root))
struct ServiceMapTests {
  private static let limits = ServiceMapLimits(
    frontends: 10, vips: 20, services: 30, slots: 40, backends: 50, sourceRanges: 60, nodeAddresses: 70,
    exclusions: 80, affinities: 90, datagramPeers: 100)

  @Test func `maps have the sizes asked for, and keep them and what they hold when they are taken up again`()
    async throws
  {
    try await LoadingTests.withPins { directory in
      let first = try ServiceMaps.load(pinDirectory: directory, limits: Self.limits)
      #expect(first.limits == Self.limits)
      first.backends[7].load = 3
      try first.exclude(networkNamespace: 77)

      let second = try ServiceMaps.load(pinDirectory: directory, limits: .default)
      #expect(second.limits == Self.limits)
      #expect(second.backends[7].load == 3)
      #expect(second.frontends4.identifier == first.frontends4.identifier)
      #expect(second.socketPeers.identifier == first.socketPeers.identifier)

      let third = try ServiceMaps.open(pinDirectory: directory)
      #expect(third.limits == Self.limits)
      #expect(try third.excludedNetworkNamespaces() == [77])
      #expect(third.state[0].exclusions == 1)
    }
  }

  @Test func `maps that a process did not come to make are made by the next`() async throws {
    try await LoadingTests.withPins { directory in
      let first = try ServiceMaps.load(pinDirectory: directory, limits: Self.limits)
      for map in ["backend", "socket_peer", "service_counter"] {
        try BPFFileSystem.removePin(at: directory.appending(map))
      }
      let error = #expect(throws: BPFError.self) { _ = try ServiceMaps.open(pinDirectory: directory) }
      #expect(error?.code == .notFound)
      let second = try ServiceMaps.load(pinDirectory: directory, limits: Self.limits)
      #expect(second.backends.count == 50)
      #expect(second.services.count == first.services.count)
      _ = try ServiceMaps.open(pinDirectory: directory)
    }
  }

  @Test func `programs use the maps that they are lent`() throws {
    let maps = try ServiceMaps.load(limits: Self.limits)
    let programs = try SocketPrograms.load(using: maps, constants: ServiceConstants(nodePorts: 1...2))
    for hook in SocketPrograms.hooks {
      let used = try programs.program(for: hook).info().mapIdentifiers
      #expect(!used.contains(0))
      if ["connect4", "connect6", "sendmsg4", "sendmsg6"].contains(hook.description) {
        for map in [maps.socketPeers.identifier, maps.counters.identifier, maps.affinities.identifier] {
          #expect(used.contains(map), "\(hook)")
        }
      }
    }
  }

  @Test(arguments: [
    ServiceMapLimits(frontends: 0), ServiceMapLimits(vips: 1), ServiceMapLimits(services: 1 << 21),
    ServiceMapLimits(slots: 1), ServiceMapLimits(backends: 0),
  ])
  func `limits out of their range are refused by name`(limits: ServiceMapLimits) {
    let error = #expect(throws: BPFError.self) { _ = try ServiceMaps.load(limits: limits) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("limit") == true)
  }

  @Test func `the least there can be is enough to load programs`() throws {
    let maps = try ServiceMaps.load(limits: .none)
    _ = try SocketPrograms.load(using: maps)
    #expect(maps.limits == .none)
  }
}
