// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SystemPackage
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Socket look-up")
  struct SocketLookupTests {
    @Test func `a program decides for its namespace, and no more once detached`() async throws {
      try await withScratchNamespace { namespace in
        try await withScratchNamespace { other in
          let program = try BPFObject(.socket_lookup).load().program("refuses_port")
          let attachment = try program.attach(toSocketLookupIn: namespace)
          #expect(attachment.mechanism == .networkNamespace)
          #expect(try attachment.info()?.hook == .socketLookup(namespace: namespace.identity.inode))
          let listed = try BPFAttachments.atSocketLookup(in: namespace)
          #expect(listed.programs.map(\.program.name) == ["refuses_port"])
          #expect(listed.programs.first?.attachmentIdentifier == (try attachment.info()?.identifier))
          #expect(try BPFAttachments.atSocketLookup(in: other).programs.isEmpty)
          @Sendable func connects(_ namespace: NetworkNamespace) async throws -> Bool {
            try await namespace.run {
              let listener = try TestSocket(AF_INET, SOCK_STREAM)
              var one: CInt = 1
              _ = unsafe setsockopt(
                listener.descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
              try listener.bindLocally(AF_INET, port: 4711)
              try #require(listen(listener.descriptor, 4) == 0)
              return try TestSocket(AF_INET, SOCK_STREAM).connectLocally(AF_INET, port: 4711)
            }
          }
          #expect(try await connects(namespace) == false)
          #expect(try await connects(other))
          try await attachment.detach()
          #expect(try await connects(namespace))
        }
      }
    }

    @Test func `ports are led to one socket, and a test run tells which`() async throws {
      try await withScratchNamespace { namespace in
        try await withPinDirectory { directory in
          var object = try BPFObject(.socket_lookup)
          try object.share(map: "listener", at: directory.appending("listener"))
          let program = try object.load().program("leads_ports")
          let attachment = try program.attach(toSocketLookupIn: namespace)
          let path = directory.appending("listener")
          let program2 = try program.duplicate()
          try await namespace.run {
            let listener = try TestSocket(AF_INET, SOCK_STREAM)
            try listener.bindLocally(AF_INET)
            try #require(listen(listener.descriptor, 8) == 0)
            let loopback = IPAddress.v4(IPv4Address(127, 0, 0, 1))
            let context = SocketLookupContext(.tcp, from: loopback, port: 1, to: loopback, port: 7002)
            // Nobody is there yet, and then the listener.
            #expect(try program2.test(socketLookup: context) == SocketLookupTestRun(passes: false))
            try BPFMapHandle.open(pinnedAt: path).update(UInt32(0), UInt64(listener.descriptor), .any)
            for port in 7000...7003 as ClosedRange<UInt16> {
              let client = try TestSocket(AF_INET, SOCK_STREAM)
              let isConnected = client.connectLocally(AF_INET, port: port)
              #expect(isConnected, "port \(port)")
            }
            let isBeyond = try TestSocket(AF_INET, SOCK_STREAM).connectLocally(AF_INET, port: 7004)
            #expect(isBeyond == false)
            var cookie: UInt64 = 0
            var length = socklen_t(MemoryLayout<UInt64>.size)
            // SO_COOKIE
            _ = unsafe getsockopt(listener.descriptor, SOL_SOCKET, 57, &cookie, &length)
            let run = try program2.test(socketLookup: context)
            #expect(run == SocketLookupTestRun(passes: true, socketCookie: cookie))
          }
          try await attachment.detach()
        }
      }
    }

    @Test func `another type of program is refused by name`() async throws {
      try await withScratchNamespace { namespace in
        let program = try loadSamples().program("counts")
        #expect { _ = try program.attach(toSocketLookupIn: namespace) } throws: {
          ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("SEC(\"tc\")")
        }
      }
    }

    @Test func `a test run gives addresses and ports as the program reads them`() throws {
      let object = try BPFObject(.socket_lookup).load()
      let program = try object.program("knows_sender")
      let v4 = IPAddress.v4(IPv4Address(10, 0, 0, 5))
      let v6 = IPAddress.v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 5))
      func passes(_ from: IPAddress, _ port: UInt16) throws -> Bool {
        try program.test(socketLookup: SocketLookupContext(.tcp, from: from, port: port, to: from, port: 80)).passes
      }
      #expect(try passes(v4, 1000))
      #expect(try passes(v6, 1000))
      #expect(try passes(v4, 1001) == false)
      #expect(try passes(.v4(IPv4Address(10, 0, 0, 6)), 1000) == false)
      #expect(try passes(.v6(IPv6Address(high: 5, low: 5)), 1000) == false)
      let refuses = try object.program("refuses_port")
      #expect(
        try refuses.test(socketLookup: SocketLookupContext(.udp, from: v4, port: 1, to: v4, port: 4711)).passes == false
      )
      #expect(throws: BPFError.self) {
        try refuses.test(socketLookup: SocketLookupContext(.udp, from: v4, port: 1, to: v6, port: 1))
      }
      #expect(throws: BPFError.self) {
        try loadSamples().program("counts").test(
          socketLookup: SocketLookupContext(.udp, from: v4, port: 1, to: v4, port: 1))
      }
    }
  }
}
