// SPDX-License-Identifier: Apache-2.0

import ServiceLB
import Testing

@Suite("Slot allocation")
struct SlotAllocatorTests {
  @Test func `runs are handed out lowest first and joined when given back`() {
    var allocator = SlotAllocator(bounds: 1..<11)
    let first = [4, 4, 4, 2].map { allocator.allocate($0) }
    #expect(first == [1..<5, 5..<9, nil, 9..<11])
    allocator.release(5..<9)
    let tooLong = allocator.allocate(5)
    #expect(tooLong == nil)
    allocator.release(1..<5)
    let joined = allocator.allocate(8)
    #expect(joined == 1..<9)
    #expect(allocator.freeCount == 0)
  }

  @Test func `a run is reserved whole or not at all`() {
    var allocator = SlotAllocator(bounds: 0..<10)
    let reserved = [3..<6, 5..<7, 8..<11, 6..<10, 0..<0].map { allocator.reserve($0) }
    #expect(reserved == [true, false, false, true, true])
    #expect(allocator.freeCount == 3)
    let rest = allocator.allocate(3)
    #expect(rest == 0..<3)
  }

  @Test func `no run is longer than what there is, none is empty`() {
    var allocator = SlotAllocator(bounds: 0..<4)
    let none = [0, -1, 5, .max].map { allocator.allocate($0) }
    #expect(none == [nil, nil, nil, nil])
    var empty = SlotAllocator(bounds: 0..<0)
    empty.release(0..<5)
    #expect(empty.freeCount == 0)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `it agrees with a set of free indexes`(seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    var allocator = SlotAllocator(bounds: 0..<64)
    var free = Set(0..<64 as Range<UInt32>)
    var held: [Range<UInt32>] = []
    for _ in 0..<400 {
      if Bool.random(using: &generator), !held.isEmpty {
        let run = held.remove(at: Int.random(in: 0..<held.count, using: &generator))
        allocator.release(run)
        free.formUnion(run)
      } else if let run = allocator.allocate(Int.random(in: 1...9, using: &generator)) {
        #expect(free.isSuperset(of: run))
        free.subtract(run)
        held.append(run)
      }
      #expect(allocator.freeCount == free.count)
    }
    for run in held { allocator.release(run) }
    #expect(allocator == SlotAllocator(bounds: 0..<64))
  }

  @Test func `a service word keeps its four fields`() {
    let word = ServiceWord(base: ServiceWord.slotLimit - 1, count: 16_383, localCount: 5, generation: 255)
    #expect(word.base == ServiceWord.slotLimit - 1)
    #expect(word.count == 16_383)
    #expect(word.localCount == 5)
    #expect(word.generation == 255)
    #expect(ServiceWord(base: 1, count: 0, localCount: 0, generation: 0).rawValue == 1)
    #expect(ServiceWord(base: 0, count: 1, localCount: 0, generation: 0).rawValue == 1 << 28)
    #expect(ServiceWord(base: 0, count: 0, localCount: 1, generation: 0).rawValue == 1 << 42)
    #expect(ServiceWord(base: 0, count: 0, localCount: 0, generation: 1).rawValue == 1 << 56)
  }
}
