// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What goes wrong says what was attempted, on what, and what the kernel said.
@Suite("Refusals by the kernel", .serialized, .requires(.root))
struct ErrorKernelTests {
  @Test func `a taken name is exists, by name and errno`() async throws {
    try await withVeth { socket, _ in
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.add(NewLink(name: "v0", kind: .bridge))
      }
      #expect(error?.code == .exists)
      #expect(error?.errno == 17)
      #expect(error?.message == "create link \"v0\": already exists (RTM_NEWLINK: EEXIST)")
    }
  }

  @Test func `an absent link is notFound, by operation and index`() async throws {
    try await withVeth { socket, _ in
      let missing = try #require(InterfaceIndex(rawValue: 4711))
      let removed = await #expect(throws: NetlinkError.self) { try await socket.links.remove(missing) }
      #expect(removed?.message == "remove link 4711: not found (RTM_DELLINK: ENODEV)")
      let changed = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(missing, LinkChanges(isUp: true))
      }
      #expect(changed?.code == .notFound)
      let address = InterfaceAddress(
        index: missing, address: try #require(IPAddress("10.0.0.1")), prefixLength: 8)
      let added = await #expect(throws: NetlinkError.self) { try await socket.addresses.add(address) }
      #expect(added?.message.hasPrefix("add address 10.0.0.1/8 on link 4711: link 4711 not found (RTM_NEWADDR") == true)
      let listed = await #expect(throws: NetlinkError.self) { try await socket.addresses.all(on: missing) }
      #expect(listed?.code == .notFound)
      let neighbour = Neighbour(interface: missing, address: address.address)
      let replaced = await #expect(throws: NetlinkError.self) { try await socket.neighbours.replace(neighbour) }
      #expect(replaced?.code == .notFound)
    }
  }

  @Test(.requires(.macvlan)) func `an absent parent is named`() async throws {
    try await withVeth { socket, _ in
      let missing = try #require(InterfaceIndex(rawValue: 4711))
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.add(NewLink(name: "m0", kind: .macvlan(parent: missing)))
      }
      #expect(error?.code == .notFound)
      #expect(error?.message.contains("create link \"m0\": parent with index 4711 not found") == true)
    }
  }

  @Test func `an unknown kind is notSupported, in the kernel's words`() async throws {
    try await withVeth { socket, _ in
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.add(NewLink(name: "x0", kind: .other("nosuchkind")))
      }
      #expect(error?.code == .notSupported)
      #expect(error?.kernelMessage == "Unknown device type")
      #expect(error?.message.contains("this kernel knows no nosuchkind links") == true)
    }
  }

  @Test func `a value out of range brings the kernel's words and the attribute`() async throws {
    try await withVeth { socket, link in
      let mtu = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(mtu: 1_000_000))
      }
      #expect(mtu?.code == .invalidArgument)
      #expect(mtu?.kernelMessage == "mtu greater than device maximum")
      let route = Route(destination: IPCIDR("10.0.0.1/8"), interface: link.index)
      let bits = await #expect(throws: NetlinkError.self) { try await socket.routes.add(route) }
      #expect(bits?.kernelMessage == "Invalid prefix for given prefix length")
      let alias = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(alias: String(repeating: "x", count: 300)))
      }
      // IFLA_IFALIAS, behind message header, link header and nothing else.
      #expect(alias?.attributeOffset == 32)
      #expect(alias?.attributeType == 20)
    }
  }

  @Test func `a gateway off every link is unreachable and names the remedy`() async throws {
    try await withVeth { socket, _ in
      let route = Route(
        destination: IPCIDR("10.5.0.0/16"), gateway: IPAddress("192.0.2.1"))
      let error = await #expect(throws: NetlinkError.self) { try await socket.routes.add(route) }
      #expect(error?.code == .unreachable)
      #expect(error?.message.contains("add route 10.5.0.0/16 via 192.0.2.1 in table main") == true)
      #expect(error?.message.contains("isOnLink") == true)
    }
  }

  @Test func `the loopback cannot be removed`() async throws {
    try await withVeth { socket, _ in
      let error = await #expect(throws: NetlinkError.self) { try await socket.links.remove(.loopback) }
      #expect(error?.code == .notSupported)
      #expect(error?.message.contains("only virtual links") == true)
    }
  }

  @Test func `a request that cannot be right is not sent`() async throws {
    try await withVeth { socket, link in
      let wide = InterfaceAddress(index: link.index, address: try #require(IPAddress("10.0.0.1")), prefixLength: 33)
      let first = await #expect(throws: NetlinkError.self) { try await socket.addresses.add(wide) }
      #expect(
        first?.message
          == "add address 10.0.0.1/33 on link \(link.index): the prefix length must be 0...32 (RTM_NEWADDR)")
      let long = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(alias: String(repeating: "x", count: 40_000)))
      }
      #expect(long?.code == .invalidArgument)
      #expect(long?.message.contains("exceeds 32768 bytes") == true)
    }
  }

  @Test func `a name that is taken where the link moves to is named`() async throws {
    try await withVeth { socket, link in
      let other = try await NetworkNamespace.makeAnonymous()
      let there = try await NetlinkSocket(in: other)
      try await there.links.add(NewLink(name: "v0", kind: .veth()))
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(namespace: other))
      }
      #expect(error?.code == .exists)
      #expect(error?.message.contains("\"\"") == false)
      #expect(error?.message.contains("the target namespace has a link of that name") == true)
      #expect(try await socket.links.link(named: "v0")?.index == link.index)
    }
  }

  @Test func `without privilege, reading works and changing is permissionDenied with the remedy`() async throws {
    try await withVeth { _, link in
      let namespace = try #require(Scratch.namespace)
      try await withoutCapabilities(in: namespace) {
        let socket = try NetlinkSocket()
        #expect(try await socket.links.link(named: "v0")?.index == link.index)
        let error = await #expect(throws: NetlinkError.self) {
          try await socket.links.change(link.index, LinkChanges(isUp: false))
        }
        #expect(error?.code == .permissionDenied)
        #expect(error?.message.contains("CAP_NET_ADMIN") == true)
        let entering = await #expect(throws: NetlinkError.self) { _ = try await NetlinkSocket(in: namespace) }
        #expect(entering?.message.contains("CAP_SYS_ADMIN") == true)
        let feature = await KernelFeature.dummy.availability()
        guard case .missing(let reason) = feature else {
          Issue.record("a link was made without privilege")
          return
        }
        #expect(reason.contains("CAP_SYS_ADMIN"))
      }
    }
  }

  @Test func `a source that is no address of the namespace is refused, with the kernel's words`() async throws {
    try await withVeth { socket, link in
      let route = Route(
        destination: IPCIDR("10.5.0.0/16"), interface: link.index, source: IPAddress("192.0.2.9"))
      let error = await #expect(throws: NetlinkError.self) { try await socket.routes.add(route) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.kernelMessage == "Invalid prefsrc address")
    }
  }
}
