// SPDX-License-Identifier: Apache-2.0

extension BPFPerCPUHashMap {
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
    let limit = handle.batchLimit
    let writer = MapWriter(handle, capacity: min(keys.count, limit))
    var (done, removed) = (0, 0)
    while done < keys.count {
      let end = min(done + limit, keys.count)
      for index in done..<end { writer.put(key: keys[index], at: index - done) }
      removed += try unsafe handle.remove(writer.keys, count: end - done, after: done, of: keys.count)
      done = end
    }
    return removed
  }

  /// Removes every entry that an iteration sees; entries written meanwhile may stay.
  ///
  /// - Throws: As ``entries()``. What was removed before stays removed.
  public borrowing func removeAll() throws(BPFError) { try handle.removeAll() }
}
