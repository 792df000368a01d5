// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

extension ServiceKernelTests {
  @Suite("Socket programs at a control group", .requires(.bpffs))
  struct AttachmentTests {
    /// A directory of pins of its own.
    private static func withPins(_ body: (FilePath) async throws -> Void) async throws {
      let mountPoint = try #require(BPFFileSystem.mountPoint)
      let directory = mountPoint.appending("terwaykit_sockets_\(getpid())_\(UInt32.random(in: 0...UInt32.max))")
      defer { _ = unsafe rmdir(directory.string) }
      defer {
        for name in (try? FileSystem.entries(of: directory)) ?? [] {
          _ = try? BPFFileSystem.removePin(at: directory.appending(name))
        }
      }
      try await body(directory)
    }

    private static func load(_ directory: FilePath? = nil) throws -> SocketPrograms {
      try SocketPrograms.load(using: ServiceMaps.load(pinDirectory: directory, limits: SocketTable.limits))
    }

    @Test func `detached, a cluster IP is nobody's`() async throws {
      try await withControlGroup { group in
        try await withServiceNamespace { namespace in
          let programs = try Self.load()
          let backends = Servers.endpoints(1, port: 8080)
          try SocketTable(programs.maps).serve("10.96.0.1:80", .tcp, to: backends)
          let attachments = try await ServiceAttachments.attach(programs, toCgroup: group)
          #expect(try attachments.hooks().map(\.name) == SocketPrograms.hooks.map(\.description))
          try await inControlGroup(group) {
            try await namespace.run {
              let servers = try Servers(.tcp, at: backends)
              try Socket(.tcp).connect("10.96.0.1:80")
              _ = try servers.acceptConnection()
            }
          }
          try await attachments.detach()
          try await inControlGroup(group) {
            try await namespace.run {
              #expect(throws: Errno.networkUnreachable) { try Socket(.tcp).connect("10.96.0.1:80") }
              return
            }
          }
        }
      }
    }

    @Test func `the next process exchanges pinned programs while connections are made, and none fails`() async throws {
      try await Self.withPins { pins in
        try await withControlGroup { group in
          try await withServiceNamespace { namespace in
            let backends = Servers.endpoints(2, port: 8080)
            do {
              let programs = try Self.load(pins)
              try SocketTable(programs.maps).serve("10.96.0.1:80", .tcp, to: backends)
              _ = try await ServiceAttachments.attach(programs, toCgroup: group, pinDirectory: pins)
            }
            let flag = Flag()
            let (old, kept) = try await inControlGroup(group) {
              try await namespace.run {
                let servers = try Servers(.tcp, at: backends)
                let old = try Socket(.tcp)
                try old.connect("10.96.0.1:80")
                return (old, try servers.acceptConnection().socket)
              }
            }
            _ = kept
            let first = try ServiceAttachments.open(pinDirectory: pins).hooks()
            try await inControlGroup(group) {
              async let connections = namespace.run {
                let servers = try Servers(.tcp, at: backends)
                flag.set()
                var count = 0
                while !flag.isDone {
                  let client = try Socket(.tcp)
                  try client.connect("10.96.0.1:80")
                  #expect(try client.peer() == "10.96.0.1:80")
                  _ = try servers.acceptConnection()
                  count += 1
                }
                return count
              }
              let exchanges = await Result { () async throws in
                while !flag.isSet { try await Task.sleep(for: .milliseconds(1)) }
                for _ in 0..<10 {
                  _ = try await ServiceAttachments.attach(Self.load(pins), toCgroup: group, pinDirectory: pins)
                }
              }
              flag.finish()
              #expect(try await connections > 10)
              try exchanges.get()
            }
            let last = try ServiceAttachments.open(pinDirectory: pins).hooks()
            #expect(last.map(\.name) == first.map(\.name))
            #expect(Set(last.map(\.program)).isDisjoint(with: first.map(\.program)))
            // The socket's record is in a map that outlives the programs.
            #expect(try old.peer() == "10.96.0.1:80")
            try await ServiceAttachments.open(pinDirectory: pins).detach()
            #expect(try ServiceAttachments.open(pinDirectory: pins).hooks().isEmpty)
          }
        }
      }
    }

    @Test(arguments: 0...10)
    func `attaching that was killed half-way is done by the next call`(done: Int) async throws {
      try await Self.withPins { pins in
        try await withControlGroup { group in
          let programs = try Self.load(pins)
          // What a process leaves that was killed then.
          for hook in SocketPrograms.hooks.prefix(done) {
            let attachment = try programs.program(for: hook).attach(toCgroup: group, as: hook)
            try attachment.pin(at: pins.appending("socket_\(hook)"))
          }
          _ = try await ServiceAttachments.attach(programs, toCgroup: group, pinDirectory: pins)
          let attachments = try ServiceAttachments.open(pinDirectory: pins)
          #expect(try attachments.hooks().map(\.name) == SocketPrograms.hooks.map(\.description))
          for hook in SocketPrograms.hooks {
            #expect(try BPFAttachments.atCgroup(hook, of: group).programs.count == 1)
          }
          try await attachments.detach()
        }
      }
    }

    @Test func `attachments of a control group that is gone are made anew`() async throws {
      try await Self.withPins { pins in
        let programs = try Self.load(pins)
        try await withControlGroup { group in
          let inner = group.appending("inner")
          try FileManager.default.createDirectory(atPath: inner.string, withIntermediateDirectories: false)
          _ = try await ServiceAttachments.attach(programs, toCgroup: inner, pinDirectory: pins)
          #expect(unsafe rmdir(inner.string) == 0)
          // The kernel ends the links of a group some time after it was removed.
          for _ in 0..<500 {
            if try ServiceAttachments.open(pinDirectory: pins).hooks().allSatisfy({ $0.group == nil }) { break }
            usleep(10_000)
          }
          let attachments = try await ServiceAttachments.attach(programs, toCgroup: group, pinDirectory: pins)
          #expect(try attachments.hooks().allSatisfy { $0.group != nil })
          try await attachments.detach()
        }
      }
    }

    @Test func `pins of another group's attachments are refused and left`() async throws {
      try await Self.withPins { pins in
        let programs = try Self.load(pins)
        try await withControlGroup { first in
          try await withControlGroup { second in
            _ = try await ServiceAttachments.attach(programs, toCgroup: first, pinDirectory: pins)
            let before = try ServiceAttachments.open(pinDirectory: pins).hooks()
            let error = await Self.failure {
              _ = try await ServiceAttachments.attach(programs, toCgroup: second, pinDirectory: pins)
            }
            #expect(error?.underlying?.code == .foreignPin)
            #expect(try ServiceAttachments.open(pinDirectory: pins).hooks() == before)
            try await ServiceAttachments.open(pinDirectory: pins).detach()
          }
        }
      }
    }

    @Test func `a hierarchy has the programs of one set of maps once`() async throws {
      let programs = try Self.load()
      try await withControlGroup { group in
        let inner = group.appending("inner")
        try FileManager.default.createDirectory(atPath: inner.string, withIntermediateDirectories: false)
        defer { _ = unsafe rmdir(inner.string) }
        for (there, here) in [(group, group), (group, inner), (inner, group)] {
          let attachments = try await ServiceAttachments.attach(programs, toCgroup: there)
          let error = await Self.failure { _ = try await ServiceAttachments.attach(programs, toCgroup: here) }
          #expect(error?.underlying?.code == .busy, "\(there) \(here)")
          try await attachments.detach()
        }
        // Groups beside each other, and other maps, are no obstacle.
        let beside = group.appending("beside")
        try FileManager.default.createDirectory(atPath: beside.string, withIntermediateDirectories: false)
        defer { _ = unsafe rmdir(beside.string) }
        let first = try await ServiceAttachments.attach(programs, toCgroup: inner)
        let second = try await ServiceAttachments.attach(programs, toCgroup: beside)
        let third = try await ServiceAttachments.attach(Self.load(), toCgroup: group)
        try await first.detach()
        try await second.detach()
        try await third.detach()
      }
    }

    @Test func `two load balancers one above the other both translate`() async throws {
      try await withControlGroup { group in
        let inner = group.appending("inner")
        try FileManager.default.createDirectory(atPath: inner.string, withIntermediateDirectories: false)
        defer { _ = unsafe rmdir(inner.string) }
        let backends = Servers.endpoints(2, port: 8080)
        let above = try Self.load()
        let below = try Self.load()
        try SocketTable(above.maps).serve("10.96.0.1:80", .tcp, to: [backends[0]])
        try SocketTable(below.maps).serve("10.96.0.2:80", .tcp, to: [backends[1]])
        let outer = try await ServiceAttachments.attach(above, toCgroup: group)
        let nested = try await ServiceAttachments.attach(below, toCgroup: inner)
        try await withServiceNamespace { namespace in
          try await inControlGroup(inner) {
            try await namespace.run {
              let servers = try Servers(.tcp, at: backends)
              for (number, frontend) in (["10.96.0.1:80", "10.96.0.2:80"] as [Endpoint]).enumerated() {
                let client = try Socket(.tcp)
                try client.connect(frontend)
                #expect(try servers.acceptConnection().number == number)
                #expect(try client.peer() == frontend)
              }
            }
          }
        }
        try await nested.detach()
        try await outer.detach()
      }
    }

    @Test func `sockets of an excluded namespace are let be, and keep what they had`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        try table.serve("10.96.0.1:80", .tcp, to: backends)
        try table.serve("10.96.0.1:53", .udp, to: backends)
        let cookie = try await namespace.cookie()
        let old = try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let old = try Socket(.tcp)
          try old.connect("10.96.0.1:80")
          _ = try servers.acceptConnection()
          return old
        }
        try table.maps.exclude(networkNamespace: cookie)
        try await namespace.run { () throws in
          #expect(throws: Errno.networkUnreachable) { try Socket(.tcp).connect("10.96.0.1:80") }
          #expect(throws: Errno.networkUnreachable) { try Socket(.udp).send("?", to: "10.96.0.1:53") }
          #expect(try old.peer() == "10.96.0.1:80")
        }
        try await withServiceNamespace { other in
          try await other.run {
            let servers = try Servers(.tcp, at: backends)
            try Socket(.tcp).connect("10.96.0.1:80")
            _ = try servers.acceptConnection()
          }
        }
        #expect(try table.maps.excludedNetworkNamespaces() == [cookie])
        try table.maps.include(networkNamespace: cookie)
        #expect(table.maps.state[0].exclusions == 0)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          try Socket(.tcp).connect("10.96.0.1:80")
          _ = try servers.acceptConnection()
        }
      }
    }

    @Test func `node ports are reserved besides what others reserved`() async throws {
      try await withScratchNamespace { namespace in
        let setting = "net/ipv4/ip_local_reserved_ports"
        try await Sysctl.write("8080,9000-9010", to: setting, in: namespace)
        #expect(try await ReservedPorts.reserve(30_000...32_767, in: namespace))
        #expect(try await Sysctl.read(setting, in: namespace) == "8080,9000-9010,30000-32767")
        #expect(try await ReservedPorts.reserve(30_000...32_767, in: namespace) == false)
        #expect(try await ReservedPorts.reserve(9011...9011, in: namespace))
        #expect(try await Sysctl.read(setting, in: namespace) == "8080,9000-9011,30000-32767")
      }
    }

    private static func failure(_ body: () async throws -> Void) async -> ServiceError? {
      do {
        try await body()
        return nil
      } catch {
        return error as? ServiceError
      }
    }
  }
}
