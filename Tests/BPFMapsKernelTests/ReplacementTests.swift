// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import Synchronization
import SystemPackage
import Testing

extension KernelFeature {
  /// A processor that runs code while another one patches it.
  ///
  /// The kernel patches its XDP dispatcher with each exchange (`bpf_dispatcher_xdp_func`). Under QEMU's TCG another
  /// processor can run half of an instruction that is being written, and the kernel panics: seen with 6.12 in the middle of
  /// the jump, under traffic.
  fileprivate static let codePatching = KernelFeature("code patched while it runs") {
    let processors = (try? FileSystem.text(of: "/proc/cpuinfo")) ?? ""
    return processors.contains("QEMU TCG") ? .missing(reason: "QEMU TCG emulates the processor") : .available
  }
}

extension BPFKernelTests {
  /// Programs are exchanged again and again while packets pass: each packet is counted, by one program or the other.
  @Suite("Replacing without a gap")
  struct ReplacementTests {
    private static let count = 20_000

    /// Sends datagrams over loopback to a socket that takes them; calls `replace` until they are all sent.
    ///
    /// Returns how often it was called.
    private func send(_ namespace: NetworkNamespace, _ replace: () async throws -> Void) async throws -> Int {
      let isDone = Mutex(false)
      async let sender: Void = namespace.run {
        defer { isDone.withLock { $0 = true } }
        let receiver = try TestSocket(AF_INET, SOCK_DGRAM)
        try receiver.bindLocally(AF_INET)
        let port = receiver.localPort()
        let sender = try TestSocket(AF_INET, SOCK_DGRAM)
        for _ in 0..<Self.count where !sender.sendLocally(AF_INET, port: port) {
          throw SocketFailure(call: "sendto", errno: errno)
        }
      }
      var replacements = 0
      while !isDone.withLock({ $0 }) {
        try await replace()
        replacements += 1
        // The sender's task needs a thread of the pool, of which there is one on a machine with one processor.
        await Task.yield()
      }
      try await sender
      return replacements
    }

    private func packets(_ object: borrowing LoadedObject) throws -> UInt64 {
      let counter = try object.map("counter", as: BPFPerCPUArrayMap<drop_counter>.self)
      return try (counter.values(at: 0) ?? []).reduce(0) { $0 + $1.packets }
    }

    @Test(arguments: [TrafficControlMechanism.automatic, .clsact])
    func `traffic control misses no packet`(mechanism: TrafficControlMechanism) async throws {
      try await withScratchNamespace { namespace in
        let first = try loadSamples()
        let second = try loadSamples()
        let one = try first.program("counts")
        let other = try second.program("counts")
        let attachment = try await one.attach(
          toTrafficControl: .ingress, of: 1, in: namespace, mechanism: mechanism)
        let replacements = try await send(namespace) {
          try await attachment.replaceProgram(with: other, ifStill: one)
          try await attachment.replaceProgram(with: one, ifStill: other)
        }
        #expect(try packets(first) + packets(second) == UInt64(Self.count))
        #expect(replacements > 0)
        try await attachment.detach()
      }
    }

    @Test(.requires(.codePatching)) func `XDP misses no packet`() async throws {
      try await withScratchNamespace { namespace in
        let object = try BPFObject(.xdp).load()
        let one = try object.program("passes")
        let other = try object.program("passes_too")
        let attachment = try await one.attach(toXDP: 1, in: namespace, mode: .generic)
        _ = try await send(namespace) {
          try await attachment.replaceProgram(with: other)
          try await attachment.replaceProgram(with: one)
        }
        let seen = try object.map("seen", as: BPFArrayMap<UInt64>.self).values()
        #expect(seen.reduce(0, +) == UInt64(Self.count))
        try await attachment.detach()
      }
    }

    @Test func `a control group misses no packet`() async throws {
      try await withScratchNamespace { namespace in
        try await withControlGroup { group in
          let first = try BPFObject(.hooks).load()
          let second = try BPFObject(.hooks).load()
          let one = try first.program("hook_egress")
          let other = try second.program("hook_egress")
          let attachment = try one.attach(toCgroup: group, as: .egress)
          try await inControlGroup(group) {
            _ = try await send(namespace) {
              try await attachment.replaceProgram(with: other)
              try await attachment.replaceProgram(with: one)
            }
          }
          var counted: UInt64 = 0
          counted += try first.map("calls", as: BPFArrayMap<UInt64>.self).value(at: 1) ?? 0
          counted += try second.map("calls", as: BPFArrayMap<UInt64>.self).value(at: 1) ?? 0
          #expect(counted == UInt64(Self.count))
          try await attachment.detach()
        }
      }
    }
  }

  @Suite("Attachments without privilege")
  struct AttachmentPrivilegeTests {
    @Test func `attaching and looking are permissionDenied, with what is needed`() async throws {
      let namespace = try NetworkNamespace.current()
      try await withControlGroup { group in
        let xdp = try BPFObject(.xdp).load().program("passes")
        let egress = try BPFObject(.hooks).load().program("hook_egress")
        try await withoutCapabilities(in: namespace) {
          func expectRefusal(_ call: () async throws -> Void) async {
            await #expect { try await call() } throws: {
              ($0 as? BPFError)?.code == .permissionDenied && "\($0)".contains("CAP_")
            }
          }
          await expectRefusal { _ = try await xdp.attach(toXDP: 1, in: namespace) }
          await expectRefusal { _ = try egress.attach(toCgroup: group, as: .egress) }
          await expectRefusal { _ = try BPFAttachments.atCgroup(.connect4, of: group) }
          await expectRefusal { _ = try BPFAttachments.all() }
          await expectRefusal { _ = try BPFProgram.open(identifier: xdp.identifier) }
          await expectRefusal { _ = try await BPFAttachments.atTrafficControl(.ingress, of: 1, in: namespace) }
        }
      }
    }
  }
}
