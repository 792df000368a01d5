// SPDX-License-Identifier: Apache-2.0

import CLibbpf
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("clsact and its filters in the kernel", .serialized, .requires(.root))
struct TrafficControlKernelTests {
  /// A loaded program that returns `verdict`: two instructions.
  private func program(returning verdict: UInt8) throws -> OwnedFileDescriptor {
    // r0 = verdict; exit
    let code: [UInt64] = [0xb7 | UInt64(verdict) << 32, 0x95]
    let descriptor = unsafe code.withUnsafeBytes { bytes in
      unsafe bpf_prog_load(
        BPF_PROG_TYPE_SCHED_CLS, "verdict", "GPL", bytes.baseAddress?.assumingMemoryBound(to: bpf_insn.self), 2, nil)
    }
    try #require(descriptor >= 0)
    return OwnedFileDescriptor(taking: descriptor)
  }

  @Test func `clsact is ensured once, and removed once`() async throws {
    try await withVeth { socket, link in
      #expect(try await socket.qdiscs.ensureClsact(on: link.index))
      #expect(try await !socket.qdiscs.ensureClsact(on: link.index))
      #expect(try await socket.qdiscs.all(on: link.index).map(\.kind).contains("clsact"))
      try await socket.qdiscs.removeClsact(on: link.index)
      #expect(try await !socket.qdiscs.all(on: link.index).map(\.kind).contains("clsact"))
      let gone = await #expect(throws: NetlinkError.self) { try await socket.qdiscs.removeClsact(on: link.index) }
      #expect(gone?.code == .notFound)
    }
  }

  @Test func `an ingress qdisc in clsact's place is busy, and named`() async throws {
    try await withVeth { socket, link in
      try await inNamespaceOf(socket, "tc qdisc add dev v0 ingress")
      let error = await #expect(throws: NetlinkError.self) { try await socket.qdiscs.ensureClsact(on: link.index) }
      #expect(error?.code == .busy)
      #expect(error?.message.contains("\"ingress\"") == true)
    }
  }

  @Test(arguments: TrafficDirection.allCases)
  func `a program is attached, listed, replaced and detached`(direction: TrafficDirection) async throws {
    try await withVeth { socket, link in
      let pass = try program(returning: 0)
      let drop = try program(returning: 2)
      var filter = BPFFilter(
        interface: link.index, direction: direction, priority: 7, handle: 3, programDescriptor: pass.rawValue,
        name: "pass:[verdict]")
      let early = await #expect(throws: NetlinkError.self) { try await socket.filters.add(filter) }
      #expect(early?.message.contains("no clsact") == true)
      try await socket.qdiscs.ensureClsact(on: link.index)
      try await socket.filters.add(filter)
      let twice = await #expect(throws: NetlinkError.self) { try await socket.filters.add(filter) }
      #expect(twice?.code == .exists)

      let first = try #require(try await socket.filters.all(on: link.index).first)
      #expect(first.direction == direction)
      #expect(first.priority == 7)
      #expect(first.handle == 3)
      #expect(first.kind == "bpf")
      #expect(first.etherType == 3)
      #expect(first.program?.name == "pass:[verdict]")
      #expect(first.program?.isDirectAction == true)
      #expect(first.program?.tag.count == 8)
      #expect(try await inNamespaceOf(socket, "tc filter show dev v0 \(direction)").contains("pass:[verdict]"))

      filter.programDescriptor = drop.rawValue
      filter.name = "drop"
      try await socket.filters.replace(filter)
      let second = try await socket.filters.all(on: link.index, direction: direction)
      #expect(second.map { $0.program?.name } == ["drop"])
      #expect(second.first?.program?.identifier != first.program?.identifier)

      try await socket.filters.remove(on: link.index, direction: direction, priority: 7, handle: 3)
      #expect(try await socket.filters.all(on: link.index).isEmpty)
      let gone = await #expect(throws: NetlinkError.self) {
        try await socket.filters.remove(on: link.index, direction: direction, priority: 7, handle: 3)
      }
      #expect(gone?.code == .notFound)
      let all = await #expect(throws: NetlinkError.self) {
        try await socket.filters.remove(on: link.index, direction: direction, priority: 0, handle: 0)
      }
      #expect(all?.code == .invalidArgument)
    }
  }

  @Test func `an attached program decides about packets`() async throws {
    try await withVeth { socket, link in
      for (name, octet) in [("v0", 1), ("v1", 2)] {
        let name = try #require(InterfaceName(name))
        let end = try #require(try await socket.links.link(named: name))
        try await socket.addresses.add(
          InterfaceAddress(
            index: end.index, address: try #require(IPAddress("10.1.0.\(octet)")), prefixLength: 24))
      }
      // Both ends are in one namespace, so only a bound ping crosses the pair; ARP alone is counted.
      let drop = try program(returning: 2)
      try await socket.qdiscs.ensureClsact(on: link.index)
      func received() async throws -> UInt64 {
        let peer = try await socket.links.link(named: "v1")
        return peer?.statistics?.received.packets ?? 0
      }
      try await inNamespaceOf(socket, "ping -c1 -W1 -I v0 10.1.0.99 >/dev/null 2>&1; true")
      #expect(try await received() > 0)
      try await socket.filters.add(
        BPFFilter(interface: link.index, direction: .egress, programDescriptor: drop.rawValue, name: "drop"))
      // The kernel's own packets (neighbour discovery) may have passed until now, and some be under way.
      try await Task.sleep(for: .milliseconds(200))
      let before = try await received()
      try await inNamespaceOf(socket, "ping -c1 -W1 -I v0 10.1.0.98 >/dev/null 2>&1; true")
      #expect(try await received() == before)
    }
  }
}
