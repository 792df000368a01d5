// SPDX-License-Identifier: Apache-2.0

/// A hash with a value for each possible CPU at each key, LRU or not.
public struct BPFPerCPUHashMap<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable>: ~Copyable,
  BPFMapProtocol
{
  @usableFromInline let handle: BPFMapHandle

  /// A per-CPU hash, LRU or not.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.perCPUHash, .lruPerCPUHash], key: Key.layout, value: Value.layout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// The values at a key, one for each possible CPU; nil: absent.
  ///
  /// - Throws: `notSupported` where /sys does not say how many CPUs there are; `systemCall`.
  @inlinable
  public borrowing func values(forKey key: Key) throws(BPFError) -> [Value]? {
    try withValues(forKey: key) { $0.copied }
  }

  /// Calls `body` with the values at a key, one for each possible CPU, without allocating; nil: absent.
  ///
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func withValues<Result>(
    forKey key: Key, _ body: (Span<Value>) -> Result
  ) throws(BPFError) -> Result? {
    var result: Result?
    _ = try unsafe handle.withSlots(of: key, as: Value.self) { slots in
      let elements = unsafe BPFMapHandle.elements(of: slots, as: Value.self)
      unsafe result = body(elements.span)
    }
    return result
  }

  /// The sum of a number over all CPUs, wrapping around; nil: absent.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - number: Such as `\.packets`.
  /// - Returns: The sum.
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func sum<Number: FixedWidthInteger>(
    forKey key: Key, of number: (Value) -> Number
  ) throws(BPFError) -> Number? {
    try withValues(forKey: key) { $0.sum(of: number) }
  }

  /// The largest of a number over all CPUs; nil: absent.
  ///
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func max<Number: FixedWidthInteger>(
    forKey key: Key, of number: (Value) -> Number
  ) throws(BPFError) -> Number? {
    try withValues(forKey: key) { $0.max(of: number) }
  }

  /// Writes an entry.
  ///
  /// - Parameters:
  ///   - values: One for each possible CPU.
  ///   - key: The key.
  ///   - mode: Whether it may create or replace.
  /// - Throws: `invalidArgument` for another number of values; `full`; `alreadyExists`; `notFound`.
  @inlinable
  public borrowing func updateValues(
    _ values: [Value], forKey key: Key, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.updateSlots(key, count: values.count, mode) { values[$0] }
  }

  /// Writes an entry with the same value for every CPU.
  ///
  /// - Throws: `full`; `alreadyExists`; `notFound`.
  @inlinable
  public borrowing func updateEveryValue(
    _ value: Value, forKey key: Key, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.updateSlots(key, count: handle.slotCount, mode) { _ in value }
  }

  /// Removes an entry; false: there was none.
  ///
  /// - Throws: `systemCall`. Absence is not an error.
  @inlinable @discardableResult
  public borrowing func removeValue(forKey key: Key) throws(BPFError) -> Bool { try handle.remove(key) }

  /// Removes an entry and returns its values, in one step; nil: absent.
  ///
  /// - Throws: `systemCall`. Absence is not an error.
  /// - Requires: Linux 5.14. `BPF_MAP_LOOKUP_AND_DELETE_ELEM`
  @inlinable
  public borrowing func takeValues(forKey key: Key) throws(BPFError) -> [Value]? {
    var result: [Value]?
    _ = try unsafe handle.withSlots(of: key, as: Value.self, removing: true) { slots in
      let elements = unsafe BPFMapHandle.elements(of: slots, as: Value.self)
      unsafe result = Array(elements)
    }
    return result
  }

  /// Every entry, in no order.
  ///
  /// - Throws: `interrupted` where entries are removed faster than they can be read. `BPF_MAP_LOOKUP_BATCH`
  @inlinable
  public borrowing func entries() throws(BPFError) -> [(Key, [Value])] {
    guard handle.slotCount > 0, MemoryLayout<Value>.stride <= BPFMapHandle.slotSize(of: Value.self) else {
      throw handle.slotFailure()
    }
    var reader = MapReader(handle, capacity: handle.batchLimit)
    var result: [(Key, [Value])] = []
    while case let count = try reader.next(of: handle), count > 0 {
      for index in 0..<count {
        let values = unsafe reader.slots(at: index, as: Value.self)
        result.append((reader.key(at: index, as: Key.self), unsafe Array(values)))
      }
    }
    return result
  }

  /// Calls `body` with each key and its values, one for each possible CPU, in buffers that are reused.
  ///
  /// - Parameter body: May change the map; see ``BPFKeyedMap`` for what is seen then.
  /// - Throws: As ``entries()``, and what `body` throws. `BPF_MAP_LOOKUP_BATCH`
  @inlinable
  public borrowing func forEach(_ body: (Key, Span<Value>) throws -> Void) throws {
    try handle.forEachSlots(Key.self, Value.self, body)
  }

  /// Writes many entries, by batches where the kernel has them; see ``BPFKeyedMap/update(_:mode:)``.
  ///
  /// - Parameters:
  ///   - entries: Keys, and one value for each possible CPU.
  ///   - mode: Whether entries may be created, replaced or both.
  /// - Throws: `invalidArgument` for another number of values, before anything is written; `full`; `alreadyExists`;
  ///   `notFound`. ``BPFError/completedCount`` says how many were written. `BPF_MAP_UPDATE_BATCH`
  @inlinable
  public borrowing func update(_ entries: [(Key, [Value])], mode: BPFUpdateMode = .any) throws(BPFError) {
    let slot = BPFMapHandle.slotSize(of: Value.self)
    guard handle.slotCount > 0, MemoryLayout<Value>.stride <= slot else { throw handle.slotFailure() }
    for entry in entries where entry.1.count != handle.slotCount { throw handle.slotFailure(given: entry.1.count) }
    let limit = handle.batchLimit
    let writer = MapWriter(handle, capacity: min(entries.count, limit))
    var done = 0
    while done < entries.count {
      let end = min(done + limit, entries.count)
      for index in done..<end {
        writer.put(key: entries[index].0, at: index - done)
        for cpu in 0..<handle.slotCount {
          writer.put(entries[index].1[cpu], atByte: (index - done) * writer.valueSize + cpu * slot)
        }
      }
      try unsafe handle.update(writer.keys, writer.values, count: end - done, mode, after: done, of: entries.count)
      done = end
    }
  }

  /// Removes many entries, by batches where the kernel has them; keys that are not there are passed over.
  ///
  /// - Parameter keys: The keys.
  /// - Returns: How many there were.
  /// - Throws: `systemCall`. ``BPFError/completedCount`` says how many keys were gone through. `BPF_MAP_DELETE_BATCH`
  @inlinable @discardableResult
  public borrowing func removeValues(forKeys keys: [Key]) throws(BPFError) -> Int {
    let writer = MapWriter(handle, capacity: keys.count)
    for index in keys.indices { writer.put(key: keys[index], at: index) }
    return try unsafe handle.remove(writer.keys, count: keys.count, after: 0, of: keys.count)
  }

  /// Removes every entry that an iteration sees; entries written meanwhile may stay.
  ///
  /// - Throws: As ``entries()``. What was removed before stays removed.
  public borrowing func removeAll() throws(BPFError) { try handle.removeAll() }
}

extension BPFPerCPUHashMap where Value: FixedWidthInteger {
  /// The sum over all CPUs, wrapping around; nil: absent.
  ///
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func sum(forKey key: Key) throws(BPFError) -> Value? { try sum(forKey: key) { $0 } }

  /// The largest value of a CPU; nil: absent.
  ///
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func max(forKey key: Key) throws(BPFError) -> Value? { try max(forKey: key) { $0 } }
}

extension BPFMapHandle {
  @inlinable
  borrowing func forEachSlots<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _: Key.Type, _: Value.Type, _ body: (Key, Span<Value>) throws -> Void
  ) throws {
    guard slotCount > 0, MemoryLayout<Value>.stride <= Self.slotSize(of: Value.self) else { throw slotFailure() }
    var reader = MapReader(self, capacity: batchLimit)
    while case let count = try reader.next(of: self), count > 0 {
      for index in 0..<count {
        let elements = unsafe reader.slots(at: index, as: Value.self)
        try unsafe body(reader.key(at: index, as: Key.self), elements.span)
      }
    }
  }
}

extension MapReader {
  /// The values of all CPUs of an entry.
  @inlinable
  borrowing func slots<Value: BitwiseCopyable>(at index: Int, as type: Value.Type) -> UnsafeBufferPointer<Value> {
    let slots = unsafe UnsafeMutableRawBufferPointer(start: values + index * valueSize, count: valueSize)
    return unsafe BPFMapHandle.elements(of: slots, as: Value.self)
  }
}

extension Span where Element: BitwiseCopyable {
  @inlinable
  func sum<Number: FixedWidthInteger>(of number: (Element) -> Number) -> Number {
    var sum: Number = 0
    for index in indices { sum &+= number(self[index]) }
    return sum
  }

  @inlinable
  func max<Number: FixedWidthInteger>(of number: (Element) -> Number) -> Number {
    var result = Number.min
    for index in indices { result = Swift.max(result, number(self[index])) }
    return result
  }

  @inlinable
  var copied: [Element] { indices.map { self[$0] } }
}

/// Numbers of this machine that per-CPU maps depend on.
public enum BPFProcessors {
  /// How many values a per-CPU map has at each key: CPUs that could be there, not only those online.
  ///
  /// 1 where /sys does not say; operations on per-CPU maps are then `notSupported`.
  public static var possibleCount: Int { possibleCPUCount() ?? 1 }
}
