// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("Traffic control")
  struct TrafficControlTests {
    private func packets(_ object: borrowing LoadedObject) throws -> UInt64 {
      let counter = try object.map("counter", as: BPFPerCPUArrayMap<drop_counter>.self)
      return try (counter.values(at: 0) ?? []).reduce(0) { $0 + $1.packets }
    }

    @Test(.requires(.tcx)) func `a tcx link sees packets, and no more once it is gone`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let object = try loadSamples()
        let attachment = try await object.program("counts").attach(
          toTrafficControl: .egress, of: interface, in: namespace)
        #expect(attachment.mechanism == .tcx)
        let before = try packets(object)
        try await namespace.send(5)
        #expect(try packets(object) >= before + 5)
        try await attachment.detach()
        // Read only now: an interface that came up a moment ago also sends on its own.
        let counted = try packets(object)
        try await namespace.send(5)
        #expect(try packets(object) == counted)
      }
    }

    @Test(.requires(.tcx)) func `a tcx link goes with its value`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let object = try loadSamples()
        do {
          _ = try await object.program("counts").attach(toTrafficControl: .egress, of: interface, in: namespace)
        }
        let before = try packets(object)
        try await namespace.send(5)
        #expect(try packets(object) == before)
      }
    }

    @Test(.requires(.tcx)) func `a pinned tcx link outlives its value, and can be found again`() async throws {
      try await withScratchNamespace { namespace in
        try await withPinDirectory { directory in
          let interface = try await namespace.makePair()
          let object = try loadSamples()
          let path = directory.appending("link")
          do {
            let attachment = try await object.program("counts").attach(
              toTrafficControl: .egress, of: interface, in: namespace)
            #expect(try attachment.persist(at: path))
          }
          let before = try packets(object)
          try await namespace.send(5)
          #expect(try packets(object) >= before + 5)
          let again = try Attachment.open(pinnedAt: path)
          #expect(again.mechanism == .tcx)
          try await again.detach()
          #expect(try BPFFileSystem.removePin(at: path))
          let counted = try packets(object)
          try await namespace.send(5)
          #expect(try packets(object) == counted)
        }
      }
    }

    @Test func `a clsact filter sees packets, and leaves nothing but the qdisc`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let object = try loadSamples()
        let attachment = try await object.program("counts").attach(
          toTrafficControl: .egress, of: interface, in: namespace, priority: 7, mechanism: .clsact)
        #expect(attachment.mechanism == .trafficControl)
        let before = try packets(object)
        try await namespace.send(5)
        #expect(try packets(object) >= before + 5)
        #expect(try await namespace.shell("tc filter show dev left egress").contains("pref 7"))
        #expect(throws: BPFError.self) { try attachment.pin(at: "/tmp/never") }
        try await attachment.detach()
        // Read only now: an interface that came up a moment ago also sends on its own.
        let counted = try packets(object)
        try await namespace.send(5)
        #expect(try packets(object) == counted)
        #expect(try await namespace.shell("tc filter show dev left egress").isEmpty)
      }
    }

    @Test(arguments: [TrafficControlMechanism.automatic, .clsact])
    func `a program is replaced in its place`(mechanism: TrafficControlMechanism) async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let first = try loadSamples()
        let second = try loadSamples()
        let attachment = try await first.program("counts").attach(
          toTrafficControl: .egress, of: interface, in: namespace, mechanism: mechanism)
        try await attachment.replaceProgram(with: second.program("counts"))
        let before = (try packets(first), try packets(second))
        try await namespace.send(5)
        #expect(try packets(first) == before.0)
        #expect(try packets(second) >= before.1 + 5)
        try await attachment.detach()
        let after = try packets(second)
        try await namespace.send(5)
        #expect(try packets(second) == after)
      }
    }

    @Test func `two filters share a hook, and each removes only itself`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let object = try loadSamples()
        let program = try object.program("counts")
        let first = try await program.attach(
          toTrafficControl: .ingress, of: interface, in: namespace, priority: 1, mechanism: .clsact)
        let second = try await program.attach(
          toTrafficControl: .ingress, of: interface, in: namespace, priority: 2, mechanism: .clsact)
        try await first.detach()
        let left = try await namespace.shell("tc filter show dev left ingress")
        #expect(left.contains("pref 2") && !left.contains("pref 1 "))
        try await second.detach()
      }
    }

    @Test func `a filter that somebody replaced is left alone`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let object = try loadSamples()
        let ours = try await object.program("counts").attach(
          toTrafficControl: .ingress, of: interface, in: namespace, priority: 1, mechanism: .clsact)
        try await namespace.shell("tc filter del dev left ingress")
        let theirs = try await object.program("returns_answer").attach(
          toTrafficControl: .ingress, of: interface, in: namespace, priority: 1, mechanism: .clsact)
        try await ours.detach()
        #expect(try await namespace.shell("tc filter show dev left ingress").contains("pref 1"))
        try await theirs.detach()
      }
    }

    @Test func `a filter goes with its value, unless it was left in place`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let program = try loadSamples().program("counts")
        do {
          let attachment = try await program.attach(
            toTrafficControl: .egress, of: interface, in: namespace, mechanism: .clsact)
          #expect(try attachment.persist(at: "/tmp/never") == false)
        }
        do {
          _ = try await program.attach(
            toTrafficControl: .ingress, of: interface, in: namespace, mechanism: .clsact)
        }
        #expect(try await namespace.shell("tc filter show dev left egress").contains("counts"))
        var filters = "?"
        for _ in 0..<100 where !filters.isEmpty {
          try await Task.sleep(for: .milliseconds(20))
          filters = try await namespace.shell("tc filter show dev left ingress")
        }
        #expect(filters.isEmpty)
      }
    }

    @Test(arguments: [TrafficControlMechanism.automatic, .clsact])
    func `an unknown interface is an error that says so`(mechanism: TrafficControlMechanism) async throws {
      try await withScratchNamespace { namespace in
        let program = try loadSamples().program("counts")
        await #expect {
          _ = try await program.attach(
            toTrafficControl: .egress, of: 4711, in: namespace, mechanism: mechanism)
        } throws: { "\($0)".contains("4711") && ($0 as? BPFError)?.code == .notFound }
        await #expect {
          _ = try await program.attach(toTrafficControl: .egress, of: 0, in: namespace, mechanism: mechanism)
        } throws: { ($0 as? BPFError)?.code == .invalidArgument }
      }
    }

    @Test func `an ingress qdisc in clsact's place is busy for egress, and serves ingress`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        try await namespace.shell("tc qdisc add dev left ingress")
        let object = try loadSamples()
        let program = try object.program("counts")
        let ingress = try await program.attach(
          toTrafficControl: .ingress, of: interface, in: namespace, mechanism: .clsact)
        await #expect {
          _ = try await program.attach(toTrafficControl: .egress, of: interface, in: namespace, mechanism: .clsact)
        } throws: { ($0 as? BPFError)?.code == .busy && "\($0)".contains("ingress qdisc") }
        #expect(try await namespace.shell("tc filter show dev left ingress").matches(of: /handle/).count == 1)
        try await ingress.detach()
        #expect(try await namespace.shell("tc filter show dev left ingress").isEmpty)
      }
    }

    @Test func `one program at both directions of one interface is two filters`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let program = try loadSamples().program("counts")
        let ingress = try await program.attach(
          toTrafficControl: .ingress, of: interface, in: namespace, mechanism: .clsact)
        let egress = try await program.attach(
          toTrafficControl: .egress, of: interface, in: namespace, mechanism: .clsact)
        #expect(try await namespace.shell("tc filter show dev left ingress").contains("counts"))
        #expect(try await namespace.shell("tc filter show dev left egress").contains("counts"))
        try await ingress.detach()
        #expect(try await namespace.shell("tc filter show dev left egress").contains("counts"))
        try await egress.detach()
      }
    }

    @Test func `a priority of 0 is refused, whatever the mechanism`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let program = try loadSamples().program("counts")
        for mechanism in [TrafficControlMechanism.automatic, .clsact] {
          await #expect {
            _ = try await program.attach(
              toTrafficControl: .egress, of: interface, in: namespace, priority: 0, mechanism: mechanism)
          } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("1 ... 65535") }
        }
      }
    }

    @Test func `attaching, replacing and failing leaves no descriptor`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let program = try loadSamples().program("counts")
        try await expectNoDescriptorLeak {
          for mechanism in [TrafficControlMechanism.automatic, .clsact] {
            let attachment = try await program.attach(
              toTrafficControl: .egress, of: interface, in: namespace, mechanism: mechanism)
            try await attachment.replaceProgram(with: program)
            try await attachment.detach()
            await #expect(throws: BPFError.self) {
              _ = try await program.attach(toTrafficControl: .egress, of: 4711, in: namespace, mechanism: mechanism)
            }
          }
          #expect(throws: BPFError.self) { _ = try program.attach(toCgroup: "/tmp", as: .connect4) }
          #expect(throws: BPFError.self) { try program.pin(at: "/tmp/never") }
        }
      }
    }

    @Test func `a detach after the interface is gone is no error`() async throws {
      try await withScratchNamespace { namespace in
        let program = try loadSamples().program("counts")
        for mechanism in [TrafficControlMechanism.automatic, .clsact] {
          let interface = try await namespace.makePair()
          let attachment = try await program.attach(
            toTrafficControl: .egress, of: interface, in: namespace, mechanism: mechanism)
          try await namespace.shell("ip link del left")
          try await attachment.detach()
        }
      }
    }
  }
}
