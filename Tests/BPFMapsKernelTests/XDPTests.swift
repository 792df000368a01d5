// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("XDP")
  struct XDPTests {
    private func seen(_ object: borrowing LoadedObject, _ slot: UInt32 = 0) throws -> UInt64 {
      try object.map("seen", as: BPFArrayMap<UInt64>.self).value(at: slot) ?? 0
    }

    /// Lends a veth pair: frames that `right` sends arrive at `left`.
    private func withPair(
      _ body: (NetworkNamespace, UInt32, borrowing LoadedObject) async throws -> Void
    ) async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let object = try BPFObject(.xdp).load()
        try await body(namespace, interface, object)
      }
    }

    private func send(_ namespace: NetworkNamespace) async throws {
      try await namespace.run {
        let socket = try FrameSocket("right")
        #expect(socket.send(packet))
      }
    }

    @Test(arguments: [XDPMode.native, .generic, .automatic])
    func `a program sees packets in the mode asked for, which it reports`(mode: XDPMode) async throws {
      try await withPair { namespace, interface, object in
        let attachment = try await object.program("passes").attach(toXDP: interface, in: namespace, mode: mode)
        #expect(attachment.mechanism == .xdp)
        #expect(attachment.xdpMode == (mode == .automatic ? .native : mode))
        #expect(attachment.interface == interface)
        let before = try seen(object)
        try await send(namespace)
        #expect(try seen(object) > before)
        let listed = try await BPFAttachments.atXDP(of: interface, in: namespace)
        #expect(listed.programs.map(\.program.name) == ["passes"])
        #expect(listed.programs.first?.xdpMode == attachment.xdpMode)
        #expect(listed.programs.first?.attachmentIdentifier == (try attachment.info()?.identifier))
        try await attachment.detach()
        #expect(try await BPFAttachments.atXDP(of: interface, in: namespace).programs.isEmpty)
        let counted = try seen(object)
        try await send(namespace)
        #expect(try seen(object) == counted)
      }
    }

    @Test func `a program is replaced in its place, if it is still the one expected`() async throws {
      try await withPair { namespace, interface, object in
        let attachment = try await object.program("passes").attach(toXDP: interface, in: namespace)
        await #expect {
          try await attachment.replaceProgram(with: object.program("passes_too"), ifStill: object.program("drops"))
        } throws: { ($0 as? BPFError)?.code == .busy }
        try await attachment.replaceProgram(with: object.program("passes_too"), ifStill: object.program("passes"))
        try await send(namespace)
        #expect(try seen(object, 1) > 0)
        #expect(try attachment.info()?.programIdentifier == object.program("passes_too").identifier)
        try await attachment.detach()
      }
    }

    @Test func `a place that is taken is busy, and the error names who has it`() async throws {
      try await withPair { namespace, interface, object in
        let attachment = try await object.program("passes").attach(toXDP: interface, in: namespace, mode: .generic)
        for mode in [XDPMode.generic, .native] {
          await #expect {
            _ = try await object.program("drops").attach(toXDP: interface, in: namespace, mode: mode)
          } throws: {
            ($0 as? BPFError)?.code == .busy && "\($0)".contains("\"passes\"") && "\($0)".contains("generic")
          }
        }
        try await attachment.detach()
        _ = try await object.program("drops").attach(toXDP: interface, in: namespace)
      }
    }

    @Test func `what cannot run it says why`() async throws {
      try await withPair { namespace, interface, object in
        let program = try object.program("passes")
        await #expect {
          _ = try await program.attach(toXDP: interface, in: namespace, mode: .offload)
        } throws: { ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("use native") }
        // Loopback's driver has no XDP.
        await #expect {
          _ = try await program.attach(toXDP: 1, in: namespace, mode: .native)
        } throws: { ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("use generic") }
        let fallback = try await program.attach(toXDP: 1, in: namespace)
        #expect(fallback.xdpMode == .generic)
        await #expect {
          _ = try await program.attach(toXDP: 4711, in: namespace)
        } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("4711") }
        await #expect {
          _ = try await loadSamples().program("counts").attach(toXDP: interface, in: namespace)
        } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("SEC(\"tc\")") }
        await #expect { _ = try await BPFAttachments.atXDP(of: 4711, in: namespace) } throws: {
          ($0 as? BPFError)?.code == .notFound
        }
      }
    }

    @Test func `a program leaves with its value, and a pinned one stays and is found again`() async throws {
      try await withPair { namespace, interface, object in
        try await withPinDirectory { directory in
          let path = directory.appending("xdp")
          do { _ = try await object.program("passes").attach(toXDP: interface, in: namespace) }
          #expect(try await BPFAttachments.atXDP(of: interface, in: namespace).programs.isEmpty)
          do {
            let attachment = try await object.program("passes").attach(toXDP: interface, in: namespace)
            try attachment.persist(at: path)
          }
          let again = try Attachment.open(pinnedAt: path, expecting: .xdp(interface: interface))
          #expect(again.mechanism == .xdp)
          #expect {
            _ = try Attachment.open(pinnedAt: path, expecting: .trafficControl(.ingress, interface: interface))
          } throws: {
            ($0 as? BPFError)?.code == .malformedPin
              && "\($0)".contains("attached to XDP of interface \(interface), not to tcx ingress")
          }
          try await again.detach()
        }
      }
    }

    @Test func `attaching, querying and failing leaves no descriptor`() async throws {
      try await withPair { namespace, interface, object in
        let program = try object.program("passes")
        try await expectNoDescriptorLeak {
          let attachment = try await program.attach(toXDP: interface, in: namespace)
          _ = try await BPFAttachments.atXDP(of: interface, in: namespace, includingHolders: true)
          _ = try await BPFAttachments.atTrafficControl(.ingress, of: interface, in: namespace)
          await #expect(throws: BPFError.self) { _ = try await program.attach(toXDP: interface, in: namespace) }
          try await attachment.detach()
        }
      }
    }
  }
}
