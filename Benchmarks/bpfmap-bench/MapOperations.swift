// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BenchSupport
import ExampleSupport

/// What is measured on maps, in the order in which one prepares the next.
struct MapOperations {
  /// How many operations are timed together.
  static let chunk = 100

  let count: Int

  /// Keeps the compiler from leaving out what nobody reads.
  @inline(never) private func use(_ sum: UInt64) { if sum == .max { print("") } }

  func hash<Key: BPFValue & BitwiseCopyable>(
    _ map: borrowing BPFHashMap<Key, Value>, _ name: String, _ key: (Int) -> Key
  ) throws {
    try loop("\(name).update") { (number) throws(BPFError) in
      try map.updateValue(Value(number), forKey: key(number), mode: .new)
    }
    try loop("\(name).replace", passes: 3) { (number) throws(BPFError) in
      try map.updateValue(Value(number + 1), forKey: key(number), mode: .existing)
    }
    var sum: UInt64 = 0
    var missing = 0
    try loop("\(name).lookup", passes: 3) { (number) throws(BPFError) in
      if let value = try map.value(forKey: key(number)) { sum &+= value.first } else { missing += 1 }
    }
    try iterate(name) {
      var found = 0
      try map.forEach { _, value in
        sum &+= value.first
        found += 1
      }
      return found
    }
    try loop("\(name).delete") { (number) throws(BPFError) in
      if try !map.removeValue(forKey: key(number)) { missing += 1 }
    }
    use(sum)
    try expect(missing, name)
  }

  func perCPU(_ map: borrowing BPFPerCPUHashMap<UInt64, Value>) throws {
    try loop("pcpu8.update") { (number) throws(BPFError) in
      try map.updateValues(forKey: key8(number), mode: .new) { cpu in Value(number + cpu) }
    }
    try loop("pcpu8.replace", passes: 3) { (number) throws(BPFError) in
      try map.updateValues(forKey: key8(number), mode: .existing) { cpu in Value(number + cpu) }
    }
    var sum: UInt64 = 0
    var missing = 0
    try loop("pcpu8.lookup", passes: 3) { (number) throws(BPFError) in
      if let first = try map.sum(forKey: key8(number), of: { $0.first }) { sum &+= first } else { missing += 1 }
    }
    try iterate("pcpu8") {
      var found = 0
      try map.forEach { _, values in
        sum &+= values[0].first
        found += 1
      }
      return found
    }
    try loop("pcpu8.delete") { (number) throws(BPFError) in
      if try !map.removeValue(forKey: key8(number)) { missing += 1 }
    }
    use(sum)
    try expect(missing, "pcpu8")
  }

  func trie(_ map: borrowing BPFLPMTrie<LPMKey, Value>) throws {
    try loop("lpm.update") { (number) throws(BPFError) in
      try map.updateValue(Value(number), forKey: LPMKey(number), mode: .new)
    }
    var sum: UInt64 = 0
    var missing = 0
    try loop("lpm.lookup", passes: 3) { (number) throws(BPFError) in
      if let value = try map.value(forKey: LPMKey(number)) { sum &+= value.first } else { missing += 1 }
    }
    try loop("lpm.delete") { (number) throws(BPFError) in
      if try !map.removeValue(forKey: LPMKey(number)) { missing += 1 }
    }
    use(sum)
    try expect(missing, "lpm")
  }

  func array(_ map: borrowing BPFArrayMap<Value>) throws {
    try loop("array.update", passes: 3) { (number) throws(BPFError) in
      try map.setValue(Value(number), at: UInt32(truncatingIfNeeded: number))
    }
    var sum: UInt64 = 0
    var missing = 0
    try loop("array.lookup", passes: 3) { (number) throws(BPFError) in
      if let value = try map.value(at: UInt32(truncatingIfNeeded: number)) { sum &+= value.first } else { missing += 1 }
    }
    use(sum)
    try expect(missing, "array")
  }

  func batch(_ map: borrowing BPFHashMap<UInt64, Value>, size: Int) throws {
    let keys = (0..<count).map(key8)
    let values = (0..<count).map { Value($0) }
    let parts = stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    try calls("batch\(size).update", parts) { (part) throws(BPFError) in
      try map.updateValues(values.span.extracting(part), forKeys: keys.span.extracting(part))
    }
    var sum: UInt64 = 0
    try iterate("batch\(size)", "lookup") {
      var found = 0
      try map.forEachBatch(of: size) { keys, values in
        for place in keys.indices { sum &+= keys[place] &+ values[place].first }
        found += keys.count
      }
      return found
    }
    try calls("batch\(size).delete", parts) { (part) throws(BPFError) in
      try map.removeValues(forKeys: keys.span.extracting(part))
    }
    use(sum)
  }

  // MARK: Loops

  @inline(__always)
  private func loop(_ op: String, passes: Int = 1, _ body: (Int) throws(BPFError) -> Void) throws(BPFError) {
    var measurement = Measurement(
      op, unit: .nanosecondsPerOperation, chunks: passes * (count / MapOperations.chunk + 1))
    for _ in 0..<passes { try measurement.loop(count, chunk: MapOperations.chunk, body) }
    measurement.report()
  }

  private func iterate(_ name: String, _ op: String = "iterate", _ body: () throws -> Int) throws {
    var measurement = Measurement("\(name).\(op)", unit: .nanosecondsPerOperation, chunks: 10)
    for _ in 0..<10 {
      var found = 0
      try measurement.call {
        found = try body()
        return found
      }
      guard found == count else { throw ExampleError("\(name): \(found) of \(count) entries were read") }
    }
    measurement.report()
  }

  private func calls(
    _ op: String, _ parts: [Range<Int>], _ body: (Range<Int>) throws(BPFError) -> Void
  ) throws(BPFError) {
    var measurement = Measurement(op, unit: .nanosecondsPerOperation, chunks: parts.count)
    for part in parts {
      try measurement.call { () throws(BPFError) in
        try body(part)
        return part.count
      }
    }
    measurement.report()
  }

  private func expect(_ missing: Int, _ name: String) throws {
    guard missing == 0 else { throw ExampleError("\(name): \(missing) entries are missing") }
  }
}
