// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("The socket itself", .serialized, .requires(.root))
struct SocketKernelTests {
  @Test func `a process has any number of sockets, each with a port of the kernel's choice`() async throws {
    let sockets = try (0..<20).map { _ in try KernelTransport() }
    #expect(Set(sockets.map(\.port)).count == 20)
    #expect(sockets.allSatisfy { $0.port != 0 })
  }

  @Test func `descriptors are close-on-exec, and none leaks`() async throws {
    let transport = try KernelTransport()
    #expect(fcntl(transport.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    try await withScratchNamespace { namespace in
      try await expectNoDescriptorLeak {
        let socket = try await NetlinkSocket(in: namespace)
        _ = try await socket.links.all()
        _ = try? await socket.links.remove(.loopback)
      }
    }
  }

  @Test func `messages of another process on our port are not taken for replies`() async throws {
    let transport = try KernelTransport()
    let socket = NetlinkSocket(over: transport)
    // As root anybody may send to anybody, but not to a socket whose peer is the kernel.
    let forger = try KernelTransport(groups: [1])
    #expect(forge(from: forger, to: transport.port) == ECONNREFUSED)
    let links = try await socket.links.all()
    #expect(!links.isEmpty)
    #expect(!links.map(\.name.rawValue).contains("evil"))
  }

  @Test func `a socket that hears of changes tells the kernel's messages from others`() async throws {
    let listener = try KernelTransport(groups: [1])
    let forger = try KernelTransport(groups: [1])
    #expect(forge(from: forger, to: listener.port) == 0)
    let buffer = ReceiveBuffer()
    #expect(try buffer.receive(from: listener) == ReceivedDatagram(length: 48, sender: forger.port))
  }

  /// Sends a link with the right sequence number and port to `port`.
  ///
  /// - Returns: errno.
  private func forge(from forger: KernelTransport, to port: UInt32) -> CInt {
    // struct sockaddr_nl: AF_NETLINK, port, no groups.
    let target: [UInt32] = [16, port, 0]
    let header: [UInt32] = [48, 0x0002_0010, 1, port, 0x0001_0000, 66, 0, 0, 0x0003_0009]
    let name: [UInt32] = [0x6c69_7665, 0, 0]
    let sent = unsafe (header + name).withUnsafeBytes { bytes in
      unsafe target.withUnsafeBytes { address in
        unsafe sendto(
          forger.descriptor, bytes.baseAddress, bytes.count, 0,
          address.baseAddress?.assumingMemoryBound(to: sockaddr.self), 12)
      }
    }
    return sent == 48 ? 0 : errno
  }

  @Test func `a socket works in the namespace it was opened in, from any task`() async throws {
    try await withScratchNamespace { namespace in
      let inside = try await NetlinkSocket(in: namespace)
      let outside = try NetlinkSocket()
      try await inside.links.add(NewLink(name: "br-inside", kind: .bridge))
      try await withThrowingTaskGroup(of: [String].self) { group in
        for _ in 0..<50 { group.addTask { try await inside.links.all().map(\.name.rawValue) } }
        for try await names in group { #expect(names == ["lo", "br-inside"]) }
      }
      #expect(try await !outside.links.all().map(\.name.rawValue).contains("br-inside"))
    }
  }

  @Test func `an abandoned dump does not disturb the next one`() async throws {
    try await withScratchNamespace { namespace in
      let transport = try await namespace.run { try KernelTransport() }
      let socket = NetlinkSocket(over: transport, timeout: .milliseconds(500))
      let lo = InterfaceIndex.loopback
      for number in 0..<2000 {
        let block = IPCIDR(host: .v4(IPv4Address(rawValue: 0x0b00_0000 | UInt32(number))))
        try await socket.routes.add(Route(destination: block, interface: lo, table: RouteTableID(1000)))
      }
      for _ in 0..<20 {
        let listing = Task { try await socket.routes.all() }
        await Task.yield()
        listing.cancel()
        _ = try? await listing.value
        #expect(try await socket.routes.all(table: RouteTableID(1000)).count == 2000)
      }
    }
  }

  @Test func `nothing to read ends at the deadline or with the task`() async throws {
    let transport = try KernelTransport()
    let start = ContinuousClock.now
    #expect(await transport.waitUntilReadable(until: .now + .milliseconds(50)) == .timedOut)
    #expect(ContinuousClock.now - start >= .milliseconds(50))
    let task = Task { await transport.waitUntilReadable(until: .now + .seconds(60)) }
    try await Task.sleep(for: .milliseconds(20))
    task.cancel()
    #expect(await task.value == .cancelled)
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  @Test func `a readable socket ends the wait`() async throws {
    let transport = try KernelTransport()
    let writer = MessageWriter()
    writer.begin(type: 18, flags: 0x301, sequence: 1)
    FindLinks(subject: .all).encode(into: writer)
    try unsafe writer.withBytes { bytes throws(TransportError) in try unsafe transport.send(bytes) }
    #expect(await transport.waitUntilReadable(until: .now + .seconds(10)) == .readable)
  }

  @Test func `a feature is found out by trying`() async throws {
    #expect(await NetlinkFeature.supportsIPVLAN() == (KernelFeature.ipvlan.availability() == .available))
    #expect(await KernelFeature.bridge.availability() == .available)
  }
}
