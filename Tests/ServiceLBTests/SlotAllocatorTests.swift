// SPDX-License-Identifier: Apache-2.0

import SeededRandom
import ServiceLB
import Testing

@Suite("Slot allocation")
struct SlotAllocatorTests {
  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `runs never overlap, are found whenever there is one, and join when they are given back`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let count = 4096
    var allocator = SlotAllocator(count: UInt32(count))
    var isTaken = [Bool](repeating: false, count: count / 2)
    var runs: [Range<UInt32>] = []
    func longest() -> Int {
      var (best, current) = (0, 0)
      for isTaken in isTaken {
        current = isTaken ? 0 : current + 1
        best = max(best, current)
      }
      return best * 2
    }
    var violations: [String] = []
    for step in 0..<3000 {
      if generator.chance(55) || runs.isEmpty {
        let length =
          generator.chance(90) ? Int.random(in: 1...24, using: &generator) : Int.random(in: 25...900, using: &generator)
        let space = longest()
        guard let first = allocator.allocate(length) else {
          if space >= SlotAllocator.space(for: length) { violations.append("\(step): \(length) of \(space) not found") }
          continue
        }
        if first % 2 != 0 || space < length { violations.append("\(step): run at \(first)") }
        for pair in (Int(first) / 2)..<((Int(first) + length + 1) / 2) {
          if isTaken[pair] { violations.append("\(step): pair \(pair) twice") }
          isTaken[pair] = true
        }
        runs.append(first..<first + UInt32(length))
      } else {
        let run = runs.remove(at: Int.random(in: runs.indices, using: &generator))
        allocator.release(run)
        for pair in (Int(run.lowerBound) / 2)..<((Int(run.upperBound) + 1) / 2) { isTaken[pair] = false }
      }
      if allocator.freeCount != isTaken.count(where: { !$0 }) * 2 { violations.append("\(step): free count") }
      if step % 50 == 0, allocator.longestFree != longest() { violations.append("\(step): longest") }
    }
    #expect(violations == [])
    for run in runs { allocator.release(run) }
    #expect(allocator.longestFree == count)
    #expect(allocator.allocate(count) == 0)
    #expect(allocator.allocate(1) == nil)
  }

  @Test func `indices that were never used come first, then what has been free for longest, with another epoch`() {
    var allocator = IndexAllocator(1..<4, epochBits: 2)
    #expect((0..<3).map { _ in allocator.allocate()?.index } == [1, 2, 3])
    #expect(allocator.allocate() == nil)
    for index in [2, 3, 1] as [UInt32] { allocator.release(index) }
    #expect(allocator.available == 3)
    let again = [allocator.allocate(), allocator.allocate()]
    #expect(again.map { $0?.index } == [2, 3])
    #expect(again.map { $0?.epoch } == [2, 2])
    allocator.release(2)
    #expect(allocator.allocate()?.index == 1)
    #expect(allocator.allocate()?.epoch == 3)
    allocator.release(2)
    // Epoch 0 is that of what was never used.
    #expect(allocator.allocate()?.epoch == 1)
  }
}
