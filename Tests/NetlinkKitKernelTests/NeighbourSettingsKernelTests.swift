// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Everything of a neighbour in the kernel", .serialized, .requires(.root))
struct NeighbourSettingsKernelTests {
  private let mac = MACAddress(truncating: 0x0200_0000_0001)

  @Test(arguments: ["10.1.0.9", "fd00::9"])
  func `flags, origin and usage are there, and one entry is found alone`(text: String) async throws {
    try await withVeth { socket, link in
      let address = try #require(IPAddress(text))
      let flags: NeighbourFlags = address.family == .ipv6 ? [.externallyLearned, .router] : .externallyLearned
      let entry = Neighbour(
        interface: link.index, address: address, linkLayerAddress: mac, state: .noARP, flags: flags,
        protocol: RouteProtocol(77))
      #expect(try await socket.neighbours.neighbour(address, on: link.index) == nil)
      try await socket.neighbours.add(entry)
      let found = try #require(try await socket.neighbours.neighbour(address, on: link.index))
      #expect(found.flags == flags)
      #expect(found.protocol == RouteProtocol(77))
      #expect(found.state == .noARP)
      #expect(found.linkLayerAddress == mac)
      #expect(found.type == .unicast)
      #expect(found.probes == 0)
      #expect(try #require(found.usage).updated < 6000)
      #expect(found.otherAttributes.isEmpty)
      #expect(try await socket.neighbours.neighbour(address, on: link.index, isProxy: true) == nil)
      try await socket.neighbours.add(Neighbour(interface: link.index, address: address, isProxy: true))
      #expect(try await socket.neighbours.neighbour(address, on: link.index, isProxy: true)?.isProxy == true)
      var streamed: [Neighbour] = []
      try await socket.neighbours.forEach(on: link.index) { streamed.append($0) }
      #expect(streamed.contains { $0.address == address && !$0.isProxy })
      #expect(!streamed.contains { $0.isProxy })
    }
  }

  @Test func `the kernel asks for a managed one by itself`() async throws {
    try await withVeth { socket, link in
      try await socket.addresses.add(
        InterfaceAddress(index: link.index, address: try #require(IPAddress("10.1.0.1")), prefixLength: 24))
      let address = try #require(IPAddress("10.1.0.9"))
      try await socket.neighbours.add(
        Neighbour(interface: link.index, address: address, state: [], flags: .managed))
      let found = try #require(try await socket.neighbours.neighbour(address, on: link.index))
      #expect(found.flags.contains(.managed))
      #expect(!found.state.isDisjoint(with: [.incomplete, .failed]))
      let used = try #require(IPAddress("10.1.0.10"))
      try await socket.neighbours.replace(
        Neighbour(interface: link.index, address: used, state: [], flags: .use))
      #expect(try await socket.neighbours.neighbour(used, on: link.index)?.state == .incomplete)
    }
  }

  @Test func `a flush takes what was asked for, and leaves what was set`() async throws {
    try await withVeth { socket, link in
      func entry(_ number: UInt32, _ state: NeighbourState) -> Neighbour {
        Neighbour(
          interface: link.index, address: .v4(IPv4Address(rawValue: 0x0a01_0000 + number)), linkLayerAddress: mac,
          state: state)
      }
      let entries = (0..<300).map { entry($0, [.stale, .reachable, .permanent, .noARP][Int($0) % 4]) }
      try await socket.perform(entries.map { .add($0) }).get()
      func states() async throws -> [NeighbourState: Int] {
        let ours = try await socket.neighbours.all(on: link.index).filter { $0.linkLayerAddress == mac }
        return Dictionary(grouping: ours, by: \.state).mapValues(\.count)
      }
      #expect(try await socket.neighbours.flush(on: .loopback) == 0)
      #expect(try await socket.neighbours.flush(on: link.index, family: .ipv6, states: .permanent) == 0)
      #expect(try await socket.neighbours.flush(on: link.index, states: .stale) == 75)
      #expect(try await states() == [.reachable: 75, .permanent: 75, .noARP: 75])
      #expect(try await socket.neighbours.flush(on: link.index, family: .ipv4) == 75)
      #expect(try await states() == [.permanent: 75, .noARP: 75])
      #expect(try await socket.neighbours.flush(on: link.index, family: .ipv4, states: .permanent) == 75)
      #expect(try await states() == [.noARP: 75])
    }
  }

  @Test func `an absent link is named`() async throws {
    try await withVeth { socket, _ in
      let missing = try #require(InterfaceIndex(rawValue: 4711))
      let address = try #require(IPAddress("10.1.0.9"))
      let looked = await #expect(throws: NetlinkError.self) {
        try await socket.neighbours.neighbour(address, on: missing)
      }
      #expect(looked?.code == .notFound)
      #expect(looked?.message.contains("look up neighbour 10.1.0.9 on link 4711: link 4711 not found") == true)
      let gone = await #expect(throws: NetlinkError.self) {
        try await socket.neighbours.remove(Neighbour(interface: missing, address: address))
      }
      #expect(gone?.message.contains("link 4711 not found") == true)
    }
  }
}
