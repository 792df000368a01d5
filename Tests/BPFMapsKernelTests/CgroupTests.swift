// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

@Suite("Control groups", .serialized, .requires(.root))
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
    try await withNamespace { namespace in
      try await withGroup { group in
        var object = try BPFObject(.cgroup)
        try object.setConstant("target_port", to: UInt16(4711))
        let program = try object.load().program("redirects")
        let attachment = try program.attach(toCgroup: group, as: .connect4)
        #expect(attachment.mechanism == .cgroup)
        // A listener on 127.0.0.1:4711, and a client in the group that asks for an address that is not there.
        let script = """
          import os, socket
          server = socket.create_server(("127.0.0.1", 4711))
          child = os.fork()
          if child == 0:
              open("\(group)/cgroup.procs", "w").write(str(os.getpid()))
              client = socket.socket()
              client.settimeout(5)
              try:
                  client.connect(("10.96.0.1", 443))
                  os._exit(0)
              except OSError:
                  os._exit(1)
          status = os.waitpid(child, 0)[1]
          print("redirected" if status == 0 else "refused")
          """
        #expect(try await namespace.shell("python3 - <<'END'\n\(script)\nEND") == "redirected\n")
        try await attachment.detach()
        #expect(try await namespace.shell("python3 - <<'END'\n\(script)\nEND") == "refused\n")
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
