// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("What stays behind")
  struct LeakTests {
    /// The processor of the virtual machines is emulated, and takes a hundred times as long.
    private static let isEmulated = ProcessInfo.processInfo.environment["TERWAYKIT_VM_OUT"] != nil

    @Test func `ten thousand objects come and go without a descriptor, a map or a program left`() async throws {
      let bytes = EmbeddedObject.cgroup.bytes()
      var identifiers: [UInt32] = []
      // Twice 5000: what is opened lazily does not count.
      try await expectNoDescriptorLeak {
        for round in 0..<(Self.isEmulated ? 500 : 5000) {
          let object = try BPFObject(bytes: bytes, name: "cgroup").load()
          // The program holds the map: gone is it when both are.
          if round % 500 == 0 {
            identifiers.append(try object.map(".rodata", as: BPFArrayMap<UInt16>.self).identifier)
          }
        }
      }
      try await expectGone(identifiers)
    }

    @Test func `hundreds of maps, attachments and pins come and go without a descriptor left`() async throws {
      try await withScratchNamespace { namespace in
        let index = try await namespace.makePair()
        try await withPinDirectory { directory in
          try await expectNoDescriptorLeak {
            for round in 0..<(Self.isEmulated ? 5 : 50) {
              let object = try loadSamples()
              let numbers = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
              try numbers.updateValue(1, forKey: 1)
              let path = directory.appending("numbers")
              try numbers.pin(at: path)
              #expect(try BPFHashMap<UInt32, UInt64>.open(pinnedAt: path).identifier == numbers.identifier)
              try BPFFileSystem.removePin(at: path)
              let program = try object.program("counts")
              for mechanism in [TrafficControlMechanism.automatic, .clsact] {
                let attachment = try await program.attach(
                  toTrafficControl: round.isMultiple(of: 2) ? .ingress : .egress, of: index, in: namespace,
                  mechanism: mechanism)
                try await attachment.detach()
              }
              #expect(throws: BPFError.self) { _ = try BPFObject(.refused).load() }
              #expect(throws: BPFError.self) { try numbers.pin(at: "/tmp/never") }
            }
          }
        }
      }
    }

    @Test func `variables come and go without their memory left`() async throws {
      let before = try mappings()
      let object = try BPFObject(.objects).load()
      for _ in 0..<1000 { _ = try object.variable("hits", as: UInt64.self).value }
      #expect(try mappings() < before + 100)
    }

    private func mappings() throws -> Int {
      try FileSystem.text(of: "/proc/self/maps").split(separator: "\n").count { $0.contains("bpf-map") }
    }

    /// Waits for what the kernel frees in the background.
    private func expectGone(_ identifiers: [UInt32]) async throws {
      var left = identifiers
      for _ in 0..<200 where !left.isEmpty {
        left = left.filter { (try? BPFMapHandle.open(identifier: $0)) != nil }
        if !left.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      }
      #expect(left.isEmpty, "maps \(left) are still there")
    }
  }
}
