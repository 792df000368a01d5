// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import LinuxSystem
import Testing

extension BPFKernelTests {
  @Suite("Arrays in shared memory")
  struct MapMemoryTests {
    @Test func `a mapped array and a program share memory`() throws {
      let object = try BPFObject(.maps).load()
      let map = try object.map("statistics", as: BPFArrayMap<Statistic>.self)
      let shared = try map.mapped()
      let program = try object.program("counts_shared")
      let packets = shared.field(\.packets)
      let bytes = shared.field(\.bytes)
      shared.store(1000, in: packets, at: 299)
      _ = try program.test(packet: packet, context: SocketBufferContext(controlBlock: [299]), repeat: 10)
      #expect(shared.load(packets, at: 299) == 1010)
      #expect(shared.load(bytes, at: 299) > 0 && shared.load(bytes, at: 298) == 0)
      #expect(shared.add(5, to: packets, at: 299) == 1010)
      #expect(try map.value(at: 299)?.packets == 1015)
      shared[3] = Statistic(packets: 7, bytes: 8, lastLength: 9)
      #expect(shared[3].lastLength == 9)
      #expect(try map.value(at: 3)?.bytes == 8)
    }

    @Test func `a mapping outlives its map, is unmapped once, and elements of another size keep their places`()
      async throws
    {
      func map() throws -> BPFMappedArray<UInt32> {
        let small = try BPFArrayMap<UInt32>.create(name: "small", maximumEntryCount: 5, flags: .mappable)
        let shared = try small.mapped()
        for index in 0..<UInt32(5) { shared[index] = index + 1 }
        #expect(try small.values() == [1, 2, 3, 4, 5])
        return shared
      }
      let shared = try map()
      #expect((0..<UInt32(5)).map { shared[$0] } == [1, 2, 3, 4, 5])
      let numbers = Shared(try BPFArrayMap<UInt64>.create(name: "numbers", maximumEntryCount: 3, flags: .mappable))
      let mapped = try numbers.value.mapped()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            if let mine = try? numbers.value.mapped() { for _ in 0..<1000 { mine.add(1, at: 2) } }
          }
        }
      }
      #expect(mapped.load(at: 2) == 4000)
      mapped.store(7, at: 2)
      #expect(try numbers.value.values() == [0, 0, 7])
      try await expectNoDescriptorLeak {
        for _ in 0..<100 { _ = try numbers.value.mapped() }
      }
    }

    @Test func `an array that was not made for it is not mapped, and one for reading is not written`() async throws {
      let plain = try BPFArrayMap<UInt64>.create(name: "plain", maximumEntryCount: 3)
      #expect {
        _ = try plain.mapped()
      } throws: { ($0 as? BPFError)?.code == .incompatibleMap && "\($0)".contains("BPF_F_MMAPABLE") }
      // libbpf makes constants mappable, and the kernel freezes them.
      let constants = try loadSamples().map(".rodata", as: BPFArrayMap<SampleState>.self)
      #expect(try constants.mapped(for: .reading)[0].lastSeen == constants.value(at: 0)?.lastSeen)
      #expect {
        _ = try constants.mapped()
      } throws: { ($0 as? BPFError)?.code == .permissionDenied && "\($0)".contains("map \".rodata\" into memory") }
      await #expect(processExitsWith: .failure) {
        let map = try BPFArrayMap<UInt64>.create(name: "read", maximumEntryCount: 3, flags: .mappable)
        try map.mapped(for: .reading).store(1, at: 0)
      }
      await #expect(processExitsWith: .failure) {
        let map = try BPFArrayMap<UInt64>.create(name: "bounds", maximumEntryCount: 3, flags: .mappable)
        _ = try map.mapped().load(at: 3)
      }
    }
  }
}
