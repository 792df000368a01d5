// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Names of links in the kernel", .serialized, .requires(.root))
struct LinkNamesKernelTests {
  private let long = String(repeating: "n", count: 127)

  @Test func `a link is found by each of its names, and by none that was taken away`() async throws {
    try await withVeth { socket, link in
      try await socket.links.addAlternativeNames([long, "short", "ü ö"], to: link.index)
      let named = try #require(try await socket.links.link(at: link.index))
      #expect(named.alternativeNames == [long, "short", "ü ö"])
      let row = try #require(try await rows(socket, "ip -j link show v0").first)
      #expect(row["altnames"] as? [String] == named.alternativeNames)
      for name in [long, "short", "ü ö", "v0"] {
        #expect(try await socket.links.link(alternativelyNamed: name)?.index == link.index)
      }
      #expect(try await socket.links.link(named: "short")?.name == "v0")
      try await socket.links.removeAlternativeNames([long, "ü ö"], from: link.index)
      #expect(try await socket.links.link(alternativelyNamed: long) == nil)
      #expect(try await socket.links.link(at: link.index)?.alternativeNames == ["short"])
      #expect(try await socket.links.link(alternativelyNamed: String(repeating: "n", count: 128)) == nil)
      try await socket.links.remove(named: "short")
      #expect(try await socket.links.link(at: link.index) == nil)
    }
  }

  @Test func `a name that is taken, absent or none at all is told apart`() async throws {
    try await withVeth { socket, link in
      let taken = await #expect(throws: NetlinkError.self) {
        try await socket.links.addAlternativeNames(["fine", "v1"], to: link.index)
      }
      #expect(taken?.code == .exists)
      #expect(taken?.message.contains("add alternative names \"fine\", \"v1\" of link \(link.index)") == true)
      // The ones before it stay.
      #expect(try await socket.links.link(at: link.index)?.alternativeNames == ["fine"])
      let absent = await #expect(throws: NetlinkError.self) {
        try await socket.links.removeAlternativeNames(["nosuch"], from: link.index)
      }
      #expect(absent?.code == .notFound)
      #expect(absent?.message.contains("no link has that name") == true)
      let missing = try #require(InterfaceIndex(rawValue: 4711))
      let nobody = await #expect(throws: NetlinkError.self) {
        try await socket.links.addAlternativeNames(["x"], to: missing)
      }
      #expect(nobody?.code == .notFound)
      #expect(nobody?.message.contains("the link was not found") == true)
      let other = await #expect(throws: NetlinkError.self) {
        try await socket.links.removeAlternativeNames(["v1"], from: link.index)
      }
      #expect(other?.code == .invalidArgument)
      let empty = await #expect(throws: NetlinkError.self) {
        try await socket.links.addAlternativeNames([""], to: link.index)
      }
      #expect(empty?.code == .invalidArgument)
      #expect(empty?.errno == nil)
      try await socket.links.addAlternativeNames([], to: missing)
    }
  }

  @Test func `an index beyond the kernel's is nobody's, and changes nobody`() async throws {
    try await withVeth { socket, _ in
      let far = try #require(InterfaceIndex(rawValue: UInt32.max))
      #expect(try await socket.links.link(at: far) == nil)
      let removed = await #expect(throws: NetlinkError.self) { try await socket.links.remove(far) }
      #expect(removed?.code == .invalidArgument)
      // Sent as it is, the kernel would go by the name and change v1.
      let changed = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(far, LinkChanges(name: "v1", mtu: 1300))
      }
      #expect(changed?.code == .invalidArgument)
    }
  }

  @Test func `the kernel sorts out ports, links without a master, and kinds`() async throws {
    try await withVeth { socket, link in
      let bridge = try await socket.links.add(NewLink(name: "br0", kind: .bridge))
      try await socket.links.change(link.index, LinkChanges(master: bridge.index))
      #expect(try await socket.links.all(master: bridge.index).map(\.name) == ["v0"])
      #expect(try await socket.links.all(master: .some(nil)).map(\.name) == ["lo", "v1", "br0"])
      #expect(try await socket.links.all(kind: "veth").map(\.name) == ["v1", "v0"])
      #expect(try await socket.links.all(master: bridge.index, kind: "veth").map(\.name) == ["v0"])
      #expect(try await socket.links.all(master: bridge.index, kind: "bridge").isEmpty)
      // The kernel lists everything for a kind it does not know.
      #expect(try await socket.links.all(kind: "nosuchkind").isEmpty)
      let absent = try #require(InterfaceIndex(rawValue: 4711))
      #expect(try await socket.links.all(master: absent).isEmpty)
    }
  }

  @Test func `IPv6's counters are listed only when they are asked for`() async throws {
    try await withVeth { socket, _ in
      func size(_ links: [Link]) -> Int { links.reduce(0) { $0 + ($1.otherAttributes[26].first?.count ?? 0) } }
      let with = try await socket.links.all(protocolCounters: true)
      let without = try await socket.links.all()
      #expect(with.map(\.index) == without.map(\.index))
      // At least 30 counters of eight bytes for each of three links.
      #expect(size(with) > size(without) + 3 * 240)
      #expect(without.allSatisfy { $0.statistics != nil })
    }
  }
}
