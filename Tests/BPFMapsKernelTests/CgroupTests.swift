// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("Control groups")
  struct CgroupTests {
    /// Lends a cgroup2 mount of its own, with an empty child group.
    private func withGroup(_ body: (FilePath) async throws -> Void) async throws {
      let mountPoint = FilePath("/tmp/bpfmaps-cgroup-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
      try FileManager.default.createDirectory(atPath: mountPoint.string, withIntermediateDirectories: true)
      defer { _ = unsafe rmdir(mountPoint.string) }
      try #require(unsafe mount("none", mountPoint.string, "cgroup2", 0, nil) == 0)
      defer { _ = unsafe umount2(mountPoint.string, CInt(MNT_DETACH)) }
      let group = mountPoint.appending("bpfmaps-\(getpid())")
      try #require(unsafe mkdir(group.string, 0o755) == 0)
      defer { _ = unsafe rmdir(group.string) }
      try await body(group)
    }

    @Test func `connect4 redirects a process of the group, and nobody once detached`() async throws {
      try await withScratchNamespace { namespace in
        try await withGroup { group in
          var object = try BPFObject(.cgroup)
          try object.setConstant("target_port", to: UInt16(4711))
          let program = try object.load().program("redirects")
          let attachment = try program.attach(toCgroup: group, as: .connect4)
          #expect(attachment.mechanism == .cgroup)
          // A listener on 127.0.0.1:4711, and a client in the group that asks for an address that is not there.
          let listener = try await namespace.run { try listen(port: 4711) }
          defer { _ = close(listener) }
          let client = """
            echo $$ > \(group)/cgroup.procs
            if (echo > /dev/tcp/10.96.0.1/443) 2>/dev/null; then echo redirected; else echo refused; fi
            """
          #expect(try await namespace.shell(client) == "redirected\n")
          try await attachment.detach()
          #expect(try await namespace.shell(client) == "refused\n")
        }
      }
    }

    @Test func `several programs share a hook`() async throws {
      try await withGroup { group in
        let program = try BPFObject(.cgroup).load().program("redirects")
        let first = try program.attach(toCgroup: group, as: .connect4)
        let other = try BPFObject(.cgroup).load().program("redirects")
        let second = try other.attach(toCgroup: group, as: .connect4)
        try await first.detach()
        try await second.detach()
      }
    }

    @Test func `another directory, hook or nothing is refused by name`() async throws {
      let program = try BPFObject(.cgroup).load().program("redirects")
      #expect {
        _ = try program.attach(toCgroup: "/tmp", as: .connect4)
      } throws: {
        ($0 as? BPFError)?.code == .notCgroup && "\($0)".contains("\"/tmp\"") && "\($0)".contains("mount -t cgroup2")
      }
      #expect {
        _ = try program.attach(toCgroup: "/nowhere", as: .connect4)
      } throws: { ($0 as? BPFError)?.code == .notFound }
      try await withGroup { group in
        #expect {
          _ = try program.attach(toCgroup: group, as: .sendmsg4)
        } throws: {
          ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("compiled for \"cgroup/connect4\"")
        }
      }
    }
  }
}

/// A TCP socket that listens on 127.0.0.1 in the calling thread's namespace.
private func listen(port: UInt16) throws -> CInt {
  let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  let bound = unsafe withUnsafePointer(to: &address) { address in
    unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  try #require(bound == 0 && listen(descriptor, 4) == 0)
  return descriptor
}
