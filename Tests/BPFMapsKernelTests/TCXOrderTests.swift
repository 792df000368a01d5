// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Glibc
import KernelTestSupport
import LinuxSystem
import Testing

/// The steps that programs of `order.bpf.c` took since the last call.
func takeSteps(_ object: borrowing LoadedObject) throws -> [UInt32] {
  let steps = try object.map("steps", as: BPFArrayMap<UInt32>.self)
  let count = try steps.value(at: 0) ?? 0
  var taken: [UInt32] = []
  for slot in 1..<(min(count, 63) + 1) { taken.append(try steps.value(at: slot) ?? 0) }
  try steps.setValue(0, at: 0)
  return taken
}

extension BPFKernelTests {
  @Suite("Order at tcx", .requires(.tcx))
  struct TCXOrderTests {
    /// Lends an interface without traffic of its own, and the programs.
    private func withLoopback(
      _ body: (NetworkNamespace, borrowing LoadedObject) async throws -> Void
    ) async throws {
      try await withScratchNamespace { namespace in
        let object = try BPFObject(.order).load()
        try await body(namespace, object)
      }
    }

    private func order(_ object: borrowing LoadedObject, _ namespace: NetworkNamespace) async throws -> [UInt32] {
      _ = try takeSteps(object)
      try await namespace.shell("echo x > /dev/udp/127.0.0.1/9")
      return try takeSteps(object)
    }

    @Test func `programs run first, last, before and after as asked, and stay there when replaced`() async throws {
      try await withLoopback { namespace, object in
        let last = try await object.program("step_1").attach(toTrafficControl: .ingress, of: 1, in: namespace)
        let first = try await object.program("step_2").attach(
          toTrafficControl: .ingress, of: 1, in: namespace, order: .first)
        let programs = try await order(object, namespace)
        // The answer that nobody listens passes too.
        #expect(programs.prefix(2) == [2, 1])
        let anchor = try #require(try last.info())
        let before = try await object.program("step_3").attach(
          toTrafficControl: .ingress, of: 1, in: namespace, order: .before(.attachment(anchor.identifier)))
        #expect(try await order(object, namespace).prefix(3) == [2, 3, 1])
        let after = try await object.program("step_4").attach(
          toTrafficControl: .ingress, of: 1, in: namespace,
          order: .after(.program(object.program("step_2").identifier)))
        #expect(try await order(object, namespace).prefix(4) == [2, 4, 3, 1])

        let listed = try await BPFAttachments.atTrafficControl(.ingress, of: 1, in: namespace)
        #expect(listed.programs.map(\.program.name) == ["step_2", "step_4", "step_3", "step_1"])
        #expect(listed.programs.last?.attachmentIdentifier == anchor.identifier)

        try await after.detach()
        try await before.replaceProgram(with: object.program("step_4"))
        #expect(try await order(object, namespace).prefix(3) == [2, 4, 1])
        try await before.detach()
        try await first.detach()
        #expect(try await order(object, namespace).first == 1)
        try await last.detach()
        #expect(try await order(object, namespace).isEmpty)
      }
    }

    @Test func `a revision that is not the last is busy, the last one is not`() async throws {
      try await withLoopback { namespace, object in
        let first = try await object.program("step_1").attach(toTrafficControl: .egress, of: 1, in: namespace)
        let seen = try await BPFAttachments.atTrafficControl(.egress, of: 1, in: namespace).revision
        let revision = try #require(seen)
        let second = try await object.program("step_2").attach(
          toTrafficControl: .egress, of: 1, in: namespace, order: .first, expectedRevision: revision)
        await #expect {
          _ = try await object.program("step_3").attach(
            toTrafficControl: .egress, of: 1, in: namespace, expectedRevision: revision)
        } throws: { ($0 as? BPFError)?.code == .busy && "\($0)".contains("revision \(revision)") }
        #expect(try await BPFAttachments.atTrafficControl(.egress, of: 1, in: namespace).revision == revision + 1)
        try await first.detach()
        try await second.detach()
      }
    }

    @Test func `an anchor that is not there, and a program that is, are refused by name`() async throws {
      try await withLoopback { namespace, object in
        let other = try object.program("step_2").identifier
        await #expect {
          _ = try await object.program("step_1").attach(
            toTrafficControl: .ingress, of: 1, in: namespace, order: .before(.program(other)))
        } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("before program \(other)") }
        let attachment = try await object.program("step_1").attach(toTrafficControl: .ingress, of: 1, in: namespace)
        await #expect {
          _ = try await object.program("step_1").attach(toTrafficControl: .ingress, of: 1, in: namespace)
        } throws: { ($0 as? BPFError)?.code == .alreadyExists && "\($0)".contains("at most once") }
        await #expect {
          _ = try await object.program("connect_1").attach(toTrafficControl: .ingress, of: 1, in: namespace)
        } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("SEC(\"cgroup/connect4\")") }
        try await attachment.detach()
      }
    }

    @Test func `a replacement that expects another program is busy and changes nothing`() async throws {
      try await withLoopback { namespace, object in
        let attachment = try await object.program("step_1").attach(toTrafficControl: .ingress, of: 1, in: namespace)
        await #expect {
          try await attachment.replaceProgram(with: object.program("step_3"), ifStill: object.program("step_2"))
        } throws: { ($0 as? BPFError)?.code == .busy && "\($0)".contains("\"step_2\"") }
        #expect(try await order(object, namespace).first == 1)
        try await attachment.replaceProgram(with: object.program("step_3"), ifStill: object.program("step_1"))
        #expect(try await order(object, namespace).first == 3)
        await #expect {
          try await attachment.replaceProgram(with: object.program("connect_1"))
        } throws: { ($0 as? BPFError)?.code == .invalidArgument }
        try await attachment.detach()
      }
    }
  }

  @Suite("Order at clsact")
  struct FilterOrderTests {
    @Test func `clsact takes no order but a priority, and says so`() async throws {
      try await withScratchNamespace { namespace in
        let object = try BPFObject(.order).load()
        await #expect {
          _ = try await object.program("step_1").attach(
            toTrafficControl: .ingress, of: 1, in: namespace, mechanism: .clsact, order: .first)
        } throws: { ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("priority") }
      }
    }

    @Test func `filters are listed by priority, with who put them there`() async throws {
      try await withScratchNamespace { namespace in
        let object = try BPFObject(.order).load()
        let second = try await object.program("step_2").attach(
          toTrafficControl: .egress, of: 1, in: namespace, priority: 20, mechanism: .clsact)
        let first = try await object.program("step_1").attach(
          toTrafficControl: .egress, of: 1, in: namespace, priority: 10, mechanism: .clsact)
        let listed = try await BPFAttachments.atTrafficControl(.egress, of: 1, in: namespace, includingHolders: true)
        #expect(listed.programs.map(\.program.name) == ["step_1", "step_2"])
        #expect(listed.programs.map(\.priority) == [10, 20])
        // Nobody holds a filter; its program is held by whoever loaded it.
        #expect(listed.programs.allSatisfy { $0.holders.contains { $0.process == getpid() } })
        #expect(listed.programs.allSatisfy { $0.mechanism == .trafficControl && $0.attachmentIdentifier == nil })
        #expect(listed.programs.first?.program.identifier == (try object.program("step_1").identifier))
        #expect(try await BPFAttachments.atTrafficControl(.ingress, of: 1, in: namespace).programs.isEmpty)
        await #expect {
          try await first.replaceProgram(with: object.program("step_3"), ifStill: object.program("step_4"))
        } throws: { ($0 as? BPFError)?.code == .busy }
        try await first.replaceProgram(with: object.program("step_3"), ifStill: object.program("step_1"))
        let replaced = try await BPFAttachments.atTrafficControl(.egress, of: 1, in: namespace)
        #expect(replaced.programs.map(\.program.name) == ["step_3", "step_2"])
        try await first.detach()
        try await second.detach()
        #expect(try await BPFAttachments.atTrafficControl(.egress, of: 1, in: namespace).programs.isEmpty)
      }
    }

    @Test func `an interface that is not there has no list`() async throws {
      try await withScratchNamespace { namespace in
        await #expect {
          _ = try await BPFAttachments.atTrafficControl(.ingress, of: 4711, in: namespace)
        } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("4711") }
        let loopback = try await BPFAttachments.atTrafficControl(.ingress, of: 1, in: namespace)
        #expect(loopback.programs.isEmpty)
      }
    }

    @Test func `an ingress qdisc has nothing at egress`() async throws {
      try await withScratchNamespace { namespace in
        let object = try BPFObject(.order).load()
        try await namespace.shell("tc qdisc add dev lo ingress")
        let attachment = try await object.program("step_1").attach(
          toTrafficControl: .ingress, of: 1, in: namespace, mechanism: .clsact)
        #expect(try await BPFAttachments.atTrafficControl(.ingress, of: 1, in: namespace).programs.count == 1)
        #expect(try await BPFAttachments.atTrafficControl(.egress, of: 1, in: namespace).programs.isEmpty)
        try await attachment.detach()
      }
    }
  }
}
