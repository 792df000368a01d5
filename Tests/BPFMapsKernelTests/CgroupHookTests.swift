// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Control group hooks")
  struct CgroupHookTests {
    /// Every hook's program in `hooks.bpf.c`, but those of unix sockets, which libbpf 1.1 cannot load.
    static let hooks = CgroupHook.all.filter { $0.minimumKernel == nil }

    /// Does once what each hook sees; the process is in the group.
    private func exercise(_ namespace: NetworkNamespace) async throws {
      try await namespace.run {
        for family in [AF_INET, AF_INET6] {
          let listener = try TestSocket(family, SOCK_STREAM)
          try listener.bindLocally(family)
          try #require(listen(listener.descriptor, 4) == 0)
          let client = try TestSocket(family, SOCK_STREAM)
          #expect(client.connectLocally(family, port: listener.localPort()))
          #expect(client.hasPeer())
          var one: CInt = 1
          var length = socklen_t(MemoryLayout<CInt>.size)
          let set = unsafe setsockopt(client.descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, length)
          #expect(set == 0)
          let got = unsafe getsockopt(client.descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, &length)
          #expect(got == 0)
          let receiver = try TestSocket(family, SOCK_DGRAM)
          try receiver.bindLocally(family)
          let sender = try TestSocket(family, SOCK_DGRAM)
          #expect(sender.sendLocally(family, port: receiver.localPort()))
          #expect(receiver.receive() == [1, 2, 3])
        }
        _ = try FileSystem.text(of: "/proc/sys/kernel/ostype")
        _ = try OwnedFileDescriptor.open("/dev/null", flags: O_RDONLY)
      }
    }

    @Test func `every hook runs its program, is listed with it, and runs it no more once detached`() async throws {
      try await withScratchNamespace { namespace in
        try await withControlGroup { group in
          let object = try BPFObject(.hooks).load()
          let calls = try object.map("calls", as: BPFArrayMap<UInt64>.self)
          let attachments = AttachmentList()
          for hook in Self.hooks {
            try attachments.add(object.program("hook_\(hook)").attach(toCgroup: group, as: hook))
          }
          try await inControlGroup(group) { try await exercise(namespace) }
          for hook in Self.hooks {
            #expect(try (calls.value(at: hook.rawValue) ?? 0) > 0, "\(hook) did not run")
            let listed = try BPFAttachments.atCgroup(hook, of: group)
            #expect(listed.programs.map(\.program.identifier) == [try object.program("hook_\(hook)").identifier])
            #expect(listed.programs.first?.attachmentIdentifier != nil)
            #expect(listed.programs.first?.mechanism == .cgroup)
          }
          try await attachments.detachAll()
          for hook in Self.hooks { try calls.setValue(0, at: hook.rawValue) }
          try await inControlGroup(group) { try await exercise(namespace) }
          for hook in Self.hooks {
            #expect(try calls.value(at: hook.rawValue) == 0, "\(hook) still runs")
            #expect(try BPFAttachments.atCgroup(hook, of: group).programs.isEmpty)
          }
        }
      }
    }

    @Test(.requires(.cgroupUnix)) func `hooks of unix sockets run their programs`() async throws {
      try await withControlGroup { group in
        // Refuses: the program's answer is all that can be seen of it.
        let program = try BPFProgram.constant(0, for: .connectUnix)
        let attachment = try program.attach(toCgroup: group, as: .connectUnix)
        func connects() async throws -> CInt {
          try await inControlGroup(group) {
            let path = "/tmp/bpfmaps-unix-\(getpid())"
            _ = unsafe unlink(path)
            defer { _ = unsafe unlink(path) }
            let listener = try TestSocket(AF_UNIX, SOCK_STREAM)
            let client = try TestSocket(AF_UNIX, SOCK_STREAM)
            let bound = unsafe Self.with(path) { address, length in
              unsafe bind(listener.descriptor, address, length)
            }
            try #require(bound == 0)
            try #require(listen(listener.descriptor, 1) == 0)
            let status = unsafe Self.with(path) { address, length in
              unsafe connect(client.descriptor, address, length)
            }
            return status == 0 ? 0 : errno
          }
        }
        let refused = try await connects()
        #expect(refused == EPERM)
        try await attachment.detach()
        let accepted = try await connects()
        #expect(accepted == 0)
        for hook in CgroupHook.all where hook.minimumKernel != nil {
          let allows = try BPFProgram.constant(1, for: hook)
          let attachment = try allows.attach(toCgroup: group, as: hook)
          #expect(try BPFAttachments.atCgroup(hook, of: group).programs.count == 1)
          try await attachment.detach()
        }
      }
    }

    @Test(.requires(absenceOf: .cgroupUnix))
    func `a hook that the kernel does not know is not supported, by first kernel`() async throws {
      try await withControlGroup { group in
        #expect { _ = try BPFAttachments.atCgroup(.connectUnix, of: group) } throws: {
          ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("Linux 6.7")
        }
      }
    }

    @Test func `a program is replaced in its place, if it is still the one expected`() async throws {
      try await withScratchNamespace { namespace in
        try await withControlGroup { group in
          let object = try BPFObject(.order).load()
          let attachment = try object.program("connect_1").attach(toCgroup: group, as: .connect4)
          await #expect {
            try await attachment.replaceProgram(with: object.program("connect_2"), ifStill: object.program("connect_3"))
          } throws: { ($0 as? BPFError)?.code == .busy }
          try await attachment.replaceProgram(with: object.program("connect_2"), ifStill: object.program("connect_1"))
          #expect(try await steps(object, group, namespace) == [2])
          #expect(
            try attachment.info()?.hook == AttachmentHook.cgroup(.connect4, at: group), "the group's inode is its name")
          try await attachment.detach()
        }
      }
    }

    @Test(.requires(.cgroupOrder)) func `programs of a group run in the order asked for`() async throws {
      try await withScratchNamespace { namespace in
        try await withControlGroup { group in
          let object = try BPFObject(.order).load()
          let last = try object.program("connect_1").attach(toCgroup: group, as: .connect4)
          let first = try object.program("connect_2").attach(toCgroup: group, as: .connect4, order: .first)
          let revision = try #require(try BPFAttachments.atCgroup(.connect4, of: group).revision)
          let middle = try object.program("connect_3").attach(
            toCgroup: group, as: .connect4, order: .before(.program(object.program("connect_1").identifier)),
            expectedRevision: revision)
          #expect(try await steps(object, group, namespace) == [2, 3, 1])
          #expect(
            try BPFAttachments.atCgroup(.connect4, of: group).programs.map(\.program.name)
              == ["connect_2", "connect_3", "connect_1"])
          let other = try BPFObject(.order).load().program("connect_1")
          #expect {
            _ = try other.attach(toCgroup: group, as: .connect4, expectedRevision: revision)
          } throws: { ($0 as? BPFError)?.code == .busy && "\($0)".contains("revision") }
          let absent = try BPFObject(.order).load().program("connect_3").identifier
          #expect {
            _ = try other.attach(toCgroup: group, as: .connect4, order: .after(.program(absent)))
          } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("after program \(absent)") }
          try await last.detach()
          try await first.detach()
          try await middle.detach()
        }
      }
    }

    @Test(.requires(absenceOf: .cgroupOrder))
    func `an order without support is refused, not ignored`() async throws {
      try await withControlGroup { group in
        let object = try BPFObject(.order).load()
        #expect {
          _ = try object.program("connect_1").attach(toCgroup: group, as: .connect4, order: .first)
        } throws: { ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("6.17") }
      }
    }

    @Test func `programs of the group above are in effect, and listed as such`() async throws {
      try await withControlGroup { group in
        let object = try BPFObject(.order).load()
        let inner = group.appending("inner")
        try #require(unsafe mkdir(inner.string, 0o755) == 0)
        defer { _ = unsafe rmdir(inner.string) }
        let outer = try object.program("connect_1").attach(toCgroup: group, as: .connect4)
        let own = try object.program("connect_2").attach(toCgroup: inner, as: .connect4)
        #expect(try BPFAttachments.atCgroup(.connect4, of: inner).programs.map(\.program.name) == ["connect_2"])
        let effective = try BPFAttachments.atCgroup(.connect4, of: inner, isEffective: true)
        #expect(effective.programs.map(\.program.name) == ["connect_2", "connect_1"])
        try await outer.detach()
        try await own.detach()
      }
    }

    private func steps(
      _ object: borrowing LoadedObject, _ group: FilePath, _ namespace: NetworkNamespace
    ) async throws -> [UInt32] {
      _ = try takeSteps(object)
      try await inControlGroup(group) {
        _ = try await namespace.run {
          _ = try TestSocket(AF_INET, SOCK_STREAM).connectLocally(AF_INET, port: 9)
        }
      }
      return try takeSteps(object)
    }

    private static func with<Result>(
      _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8) + [0]) }
      return unsafe withUnsafePointer(to: &name) { name in
        unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    }
  }
}

/// Attachments that are kept together: noncopyable values do not go into arrays.
private final class AttachmentList {
  private var last: BPFMaps.Attachment?
  private var rest: AttachmentList?

  func add(_ attachment: consuming BPFMaps.Attachment) {
    let link = AttachmentList()
    link.last = last.take()
    link.rest = rest
    rest = link
    last = consume attachment
  }

  func detachAll() async throws {
    if let attachment = last.take() { try await attachment.detach() }
    try await rest?.detachAll()
  }
}
