// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  /// A process that is out of descriptors still has to let go of what it holds, and is told the truth about the rest.
  @Suite("Out of descriptors")
  struct ScarcityTests {
    /// What `body` throws while so many descriptors are left.
    private func error(leaving free: Int, _ body: () async throws -> Void) async throws -> BPFError? {
      let scarcity = try DescriptorScarcity(leaving: free)
      defer { scarcity.end() }
      do {
        try await body()
        return nil
      } catch let error as BPFError {
        return error
      }
    }

    /// The count when a datagram has passed.
    private func counted(
      _ counter: borrowing BPFPerCPUArrayMap<drop_counter>, after sender: TestSocket
    ) throws -> UInt64 {
      guard sender.sendLocally(AF_INET, port: 9) else { throw SocketFailure(call: "sendto", errno: errno) }
      return try counter.sum(at: 0, of: \.packets) ?? 0
    }

    private func filters(_ namespace: NetworkNamespace) async throws -> [AttachedProgram] {
      try await BPFAttachments.atTrafficControl(.ingress, of: 1, in: namespace).programs
    }

    @Test(arguments: [TrafficControlMechanism.automatic, .clsact])
    func `an attachment is detached without one`(mechanism: TrafficControlMechanism) async throws {
      try await withScratchNamespace { namespace in
        let attachment = try await loadSamples().program("counts").attach(
          toTrafficControl: .ingress, of: 1, in: namespace, mechanism: mechanism)
        let scarcity = try DescriptorScarcity(leaving: 0)
        let failure = await failureOfDetaching(attachment)
        scarcity.end()
        #expect(failure == nil)
        #expect(try await filters(namespace).isEmpty)
      }
    }

    @Test func `an attachment to a control group and one to XDP are detached without one`() async throws {
      try await withScratchNamespace { namespace in
        try await withControlGroup { group in
          let egress = try BPFObject(.hooks).load().program("hook_egress").attach(toCgroup: group, as: .egress)
          let xdp = try await BPFObject(.xdp).load().program("passes").attach(toXDP: 1, in: namespace, mode: .generic)
          let scarcity = try DescriptorScarcity(leaving: 0)
          let failures = (await failureOfDetaching(egress), await failureOfDetaching(xdp))
          scarcity.end()
          #expect(failures.0 == nil && failures.1 == nil)
          #expect(try BPFAttachments.atCgroup(.egress, of: group).programs.isEmpty)
          #expect(try await BPFAttachments.atXDP(of: 1, in: namespace).programs.isEmpty)
        }
      }
    }

    @Test func `a filter goes with its value without one`() async throws {
      try await withScratchNamespace { namespace in
        let object = try loadSamples()
        let counter = try object.map("counter", as: BPFPerCPUArrayMap<drop_counter>.self)
        let sender = try await namespace.run { try TestSocket(AF_INET, SOCK_DGRAM) }
        let scarcity: DescriptorScarcity
        do {
          let attachment = try await object.program("counts").attach(
            toTrafficControl: .ingress, of: 1, in: namespace, mechanism: .clsact)
          #expect(try counted(counter, after: sender) > 0)
          scarcity = try DescriptorScarcity(leaving: 0)
          _ = consume attachment
        }
        // It is removed in the background: once it is gone no packet is counted.
        var isGone = false
        for _ in 0..<500 where !isGone {
          let before = try counter.sum(at: 0, of: \.packets)
          isGone = try counted(counter, after: sender) == before
          if !isGone { try await Task.sleep(for: .milliseconds(10)) }
        }
        scarcity.end()
        #expect(isGone)
        #expect(try await filters(namespace).isEmpty)
      }
    }

    @Test func `a program is replaced without one`() async throws {
      try await withScratchNamespace { namespace in
        let first = try loadSamples()
        let second = try loadSamples()
        let program = try second.program("counts")
        for mechanism in [TrafficControlMechanism.automatic, .clsact] {
          let attachment = try await first.program("counts").attach(
            toTrafficControl: .ingress, of: 1, in: namespace, mechanism: mechanism)
          let failure = try await error(leaving: 0) { try await attachment.replaceProgram(with: program) }
          #expect(failure == nil)
          #expect(try await filters(namespace).map(\.program.identifier) == [program.identifier])
          try await attachment.detach()
        }
      }
    }

    @Test func `attaching succeeds or leaves nothing, and says that there are too few`() async throws {
      try await withScratchNamespace { namespace in
        let program = try loadSamples().program("counts")
        var refusals = 0
        for mechanism in [TrafficControlMechanism.automatic, .clsact] {
          for free in 0..<6 {
            let failure = try await error(leaving: free) {
              try await program.attach(toTrafficControl: .ingress, of: 1, in: namespace, mechanism: mechanism).detach()
            }
            #expect(try await filters(namespace).isEmpty)
            guard let failure else { continue }
            refusals += 1
            #expect(failure.errno == .tooManyOpenFiles && failure.message.contains("ulimit -n"), "\(failure)")
          }
        }
        #expect(refusals > 0)
      }
    }

    @Test func `what is at an interface is listed or is one descriptor too many, and never takes it for gone`()
      async throws
    {
      try await withScratchNamespace { namespace in
        var refusals = 0
        for free in 0..<6 {
          let failures = [
            try await error(leaving: free) { _ = try await filters(namespace) },
            try await error(leaving: free) { _ = try await BPFAttachments.atXDP(of: 1, in: namespace) },
          ]
          for failure in failures {
            guard let failure else { continue }
            refusals += 1
            #expect(failure.errno == .tooManyOpenFiles, "\(free) left: \(failure.code): \(failure)")
          }
        }
        #expect(refusals > 0)
      }
    }

    @Test func `a kernel without kprobes or types is told from a process without descriptors`() async throws {
      let program = try loadSamples().program("counts")
      let failures = [
        try await error(leaving: 0) { _ = try program.attach(toKernelProbe: "do_exit") },
        try await error(leaving: 0) { _ = try BTF.vmlinux() },
      ]
      for failure in failures {
        #expect(failure?.errno == .tooManyOpenFiles, "\(failure.map { "\($0)" } ?? "it worked")")
      }
    }

    @Test func `a pin is opened or is one descriptor too many, and never mistaken for something else`() async throws {
      try await withPinDirectory { directory in
        let object = try BPFObject(.pair_swapped).load()
        let path = directory.appending("pairs")
        try object.map("pairs", as: BPFMapHandleOnly.self).pin(at: path)
        let samples = try loadSamples()
        try samples.program("counts").pin(at: directory.appending("counts"))
        let set = try BPFObject(.objects).load().pin(in: directory.appending("set"), owner: "tests")
        for free in 0..<6 {
          let failures = [
            try await error(leaving: free) { _ = try BPFMapHandle.open(pinnedAt: path) },
            try await error(leaving: free) { _ = try BPFProgram.open(pinnedAt: directory.appending("counts")) },
            try await error(leaving: free) { _ = try BPFPin(at: path) },
            try await error(leaving: free) { _ = try BPFPinSet.open(in: set.directory, owner: "tests") },
          ]
          for failure in failures {
            guard let failure else { continue }
            #expect(failure.errno == .tooManyOpenFiles, "\(free) left: \(failure.code): \(failure)")
          }
          // What is compared only by types that take a descriptor to read is not let through for lack of one.
          let mismatch = try await error(leaving: free) {
            _ = try BPFHashMap<UInt32, SamplePair>.open(pinnedAt: path)
          }
          #expect(
            mismatch?.errno == .tooManyOpenFiles || mismatch?.code == .layoutMismatch,
            "\(free) left: \(mismatch.map { "\($0)" } ?? "opened")")
        }
        try set.remove()
      }
    }
  }
}
