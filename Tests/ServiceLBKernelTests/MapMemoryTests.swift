// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import ServiceLB
import SystemPackage
import Testing

extension ServiceKernelTests {
  @Suite("Memory of the maps", .requires(.bpffs), .requires(.mapMemory))
  struct MapMemoryTests {
    @Test(arguments: [ServiceMapLimits.default, ServiceLimits(services: 1000, backendsEach: 10), .none])
    func `limits say what the kernel takes`(limits: ServiceMapLimits) async throws {
      try await Updates.withPins { pins in
        let maps = try ServiceMaps.load(pinDirectory: pins, limits: limits)
        defer { withExtendedLifetime(maps) {} }
        var taken = 0
        for name in try FileSystem.entries(of: pins) {
          taken += try BPFRawMap.open(pinnedAt: pins.appending(name)).memory ?? 0
        }
        // A trie takes nothing while it is empty, and is counted full.
        let said = limits.kernelBytes(processors: BPFProcessors.possibleCount) - Int(limits.sourceRanges) * 96
        // Each map beside that: a page or so, and lists for each processor.
        #expect(abs(taken - said) < said / 50 + 200_000, "\(limits): the kernel takes \(taken), said are \(said)")
      }
    }
  }
}

extension KernelFeature {
  /// The kernel says of a map what it takes, not only what its entries take.
  fileprivate static let mapMemory = KernelFeature("memory of maps", minimumKernel: KernelVersion(6, 4)) {
    do {
      let map = try BPFHashMap<UInt64, UInt64>.create(name: "memory", maximumEntryCount: 1024)
      let memory = try BPFRawMap.open(identifier: map.info.identifier).memory ?? 0
      return memory > 1024 * 32 ? .available : .missing(reason: "\(memory) bytes for 1024 entries of 64 or more")
    } catch {
      return .missing(reason: "\(error)")
    }
  }
}
