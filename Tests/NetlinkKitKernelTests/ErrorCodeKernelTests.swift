// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// Codes that take an unusual request to be said by the real kernel.
@Suite("Rare refusals by the kernel", .serialized, .requires(.root))
struct ErrorCodeKernelTests {
  @Test(arguments: ["01:00:00:00:00:01", "00:00:00:00:00:00"])
  func `a link-layer address that none can have is not available`(text: String) async throws {
    try await withVeth { socket, link in
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(address: MACAddress(text)))
      }
      #expect(error?.code == .addressNotAvailable)
      #expect(error?.errno == EADDRNOTAVAIL)
    }
  }

  @Test(.requires(.macvlan)) func `a link-layer address that another link on the parent has is in use`() async throws {
    try await withVeth { socket, link in
      let address = try #require(MACAddress("02:00:00:00:00:77"))
      try await socket.links.create(
        NewLink(name: "m0", kind: .macvlan(parent: link.index), address: address, isUp: true))
      let second = try await socket.links.add(
        NewLink(name: "m1", kind: .macvlan(parent: link.index), address: address))
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(second.index, LinkChanges(isUp: true))
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.errno == EADDRINUSE)
    }
  }

  @Test(.requires(.ipvlan)) func `an address that another ipvlan link on the parent has is in use`() async throws {
    try await withVeth { socket, link in
      let address = try #require(IPAddress("10.7.0.1"))
      for name in ["i0", "i1"] as [InterfaceName] {
        try await socket.links.create(NewLink(name: name, kind: .ipvlan(parent: link.index), isUp: true))
      }
      let first = try #require(try await socket.links.link(named: "i0")).index
      let second = try #require(try await socket.links.link(named: "i1")).index
      try await socket.addresses.add(InterfaceAddress(index: first, address: address, prefixLength: 24))
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.addresses.add(InterfaceAddress(index: second, address: address, prefixLength: 24))
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.kernelMessage == "Address already assigned to an ipvlan device")
    }
  }

  @Test func `a bridge in a bridge is another error, with number and words`() async throws {
    try await withVeth { socket, _ in
      let outer = try await socket.links.add(NewLink(name: "br0", kind: .bridge))
      let inner = try await socket.links.add(NewLink(name: "br1", kind: .bridge))
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(inner.index, LinkChanges(master: outer.index))
      }
      #expect(error?.code == .other)
      #expect(error?.errno == ELOOP)
      #expect(error?.kernelMessage == "Can not enslave a bridge to a bridge")
    }
  }
}
