// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Everything of an address in the kernel", .serialized, .requires(.root))
struct AddressSettingsKernelTests {
  private func find(_ socket: NetlinkSocket, _ address: InterfaceAddress) async throws -> InterfaceAddress {
    try #require(
      try await socket.addresses.all(on: address.index).first { $0.address == address.address })
  }

  @Test(arguments: [("10.1.0.1", 24), ("fd00::1", 64)])
  func `lifetime, priority, origin and times are there, and replace changes them`(
    text: String, length: Int
  ) async throws {
    try await withVeth { socket, link in
      var address = InterfaceAddress(
        index: link.index, address: try #require(IPAddress(text)), prefixLength: length, flags: .noDAD,
        lifetime: AddressLifetime(preferred: 300, valid: 600), priority: 77, protocol: AddressProtocol(9))
      try await socket.addresses.add(address)
      let found = try await find(socket, address)
      #expect((290...300).contains(try #require(found.lifetime.preferred)))
      #expect((590...600).contains(try #require(found.lifetime.valid)))
      #expect(found.priority == 77)
      #expect(found.protocol == AddressProtocol(9))
      #expect(!found.flags.contains(.permanent))
      #expect(found.otherAttributes.isEmpty)
      let times = try #require(found.times)
      #expect(times.created > 0 && times.updated >= times.created)
      let route = try await socket.routes.all(table: .main, family: address.address.family).first {
        $0.protocol == .kernel && $0.interface == link.index && $0.priority == 77
      }
      #expect(route?.destination?.prefixLength == length)

      // As listed, so a little less is left, and other settings.
      try await Task.sleep(for: .milliseconds(1100))
      var again = found
      again.lifetime = .forever
      again.priority = 78
      try await socket.addresses.replace(again)
      let changed = try await find(socket, address)
      #expect(changed.lifetime == .forever)
      #expect(changed.priority == 78)
      #expect(changed.flags.contains(.permanent))
      #expect(try #require(changed.times).created == times.created)
      #expect(try #require(changed.times).updated > times.updated)

      address.lifetime = AddressLifetime(preferred: 0, valid: 600)
      try await socket.addresses.replace(address)
      #expect(try await find(socket, address).flags.contains(.deprecated))
      address.lifetime = AddressLifetime(preferred: 1, valid: 1)
      try await socket.addresses.replace(address)
      var left = 1
      for _ in 0..<200 where left > 0 {
        try await Task.sleep(for: .milliseconds(100))
        left = try await socket.addresses.all(on: link.index).count { $0.address == address.address }
      }
      #expect(left == 0)
    }
  }

  @Test func `flags are set, and cleared by replace where IPv6 does`() async throws {
    try await withVeth { socket, link in
      func own(_ text: String, _ length: Int, _ flags: AddressFlags) throws -> InterfaceAddress {
        InterfaceAddress(
          index: link.index, address: try #require(IPAddress(text)), prefixLength: length, flags: flags)
      }
      let home = try own("fd00::1", 64, [.noDAD, .homeAddress, .managesTemporary, .noPrefixRoute])
      try await socket.addresses.add(home)
      #expect(try await find(socket, home).settings == home)
      let bare = try own("fd00::1", 64, .noDAD)
      try await socket.addresses.replace(bare)
      #expect(try await find(socket, home).settings == bare)
      let group = try own("239.1.1.1", 24, .joinsMulticast)
      try await socket.addresses.add(group)
      #expect(try await find(socket, group).flags == [.permanent, .joinsMulticast])
      let second = [try own("10.1.0.1", 24, []), try own("10.1.0.2", 24, [])]
      try await socket.perform(second.map { .add($0) }).get()
      #expect(try await find(socket, second[1]).flags.contains(.secondary))
      // The kernel's own say who made them.
      let local = try #require(
        try await socket.addresses.all(on: link.index).first { $0.scope == .link && $0.address.family == .ipv6 })
      #expect(local.protocol == .kernelLinkLocal)
    }
  }

  @Test func `IPv6 wants 64 bits of who manages temporary addresses, and says so`() async throws {
    try await withVeth { socket, link in
      let address = InterfaceAddress(
        index: link.index, address: try #require(IPAddress("fd00::1")), prefixLength: 65, flags: .managesTemporary)
      let error = await #expect(throws: NetlinkError.self) { try await socket.addresses.add(address) }
      #expect(error?.code == .invalidArgument)
    }
  }
}
