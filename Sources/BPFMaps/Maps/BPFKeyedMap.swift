// SPDX-License-Identifier: Apache-2.0

/// A map of one value to each key: an array, a hash or a trie.
///
/// Everything that reads many entries works batch by batch in buffers that are reused, by `BPF_MAP_LOOKUP_BATCH` where
/// the kernel has it for the kind of map and key by key elsewhere. Whatever others do meanwhile:
///
/// - an entry that is there throughout is seen exactly once; of a trie, unless an entry beside it is removed while the
///   kernel goes from the one to the other;
/// - no key is seen twice;
/// - an entry that comes or goes meanwhile may be seen or not;
/// - the iteration ends: when the kernel starts over because the entry to go on from was removed, what was seen is
///   skipped, and after too many restarts the error is `interrupted`.
public protocol BPFKeyedMap: BPFMapProtocol, ~Copyable {
  /// The type of its keys.
  associatedtype Key: BPFValue & BitwiseCopyable
  /// The type of its values.
  associatedtype Value: BPFValue & BitwiseCopyable
}

extension BPFKeyedMap where Self: ~Copyable {
  /// Every entry, in no order; of a trie, what is more specific first.
  ///
  /// See ``BPFKeyedMap`` for what is seen when others change the map meanwhile.
  ///
  /// The kernel has no exact look-up for tries: of an entry that is removed between its key and its value being read,
  /// the value is that of the next shorter prefix.
  ///
  /// - Throws: `interrupted` when entries are removed faster than they can be read; `systemCall`.
  ///   `BPF_MAP_LOOKUP_BATCH`
  @inlinable
  public borrowing func entries() throws(BPFError) -> [(Key, Value)] {
    try withHandle { (handle) throws(BPFError) in try handle.entries(Key.self, Value.self) }
  }

  /// Calls `body` with each entry, without holding more than a batch of them.
  ///
  /// - Parameter body: May change the map; see ``BPFKeyedMap`` for what is seen then.
  /// - Throws: As ``entries()``, and what `body` throws.
  @inlinable
  public borrowing func forEach(_ body: (Key, Value) throws -> Void) throws {
    try withHandle { handle in
      var reader = MapReader(handle, capacity: handle.batchLimit)
      while case let count = try reader.next(of: handle), count > 0 {
        for index in 0..<count {
          try body(reader.key(at: index, as: Key.self), reader.value(at: index, as: Value.self))
        }
      }
    }
  }

  /// Calls `body` with one batch of entries after the other, in buffers that are reused.
  ///
  /// - Parameters:
  ///   - limit: How many entries a batch may have, where it is not to be some thousands; one that the kernel cannot
  ///     split may have more.
  ///   - body: Gets the keys of a batch, and the values at the same places.
  /// - Throws: As ``entries()``, and what `body` throws. `BPF_MAP_LOOKUP_BATCH`
  @inlinable
  public borrowing func forEachBatch(of limit: Int? = nil, _ body: (Span<Key>, Span<Value>) throws -> Void) throws {
    try withHandle { handle in
      var reader = MapReader(handle, capacity: limit ?? handle.batchLimit)
      var keys = StridedBuffer<Key>()
      var values = StridedBuffer<Value>()
      while case let count = try reader.next(of: handle), count > 0 {
        let batchKeys = unsafe keys.elements(over: reader.keys, count)
        let batchValues = unsafe values.elements(over: reader.values, count)
        try unsafe body(batchKeys.span, batchValues.span)
      }
    }
  }

  /// Writes many entries, by batches where the kernel has them for the kind of map.
  ///
  /// The entries are written in order. When one is refused, ``BPFError/completedCount`` says how many were written before
  /// it; those that follow were not touched, so that the rest can be tried again:
  ///
  /// ```swift
  /// do {
  ///   try map.update(entries)
  /// } catch where error.code == .full {
  ///   try evictSome()
  ///   try map.update(Array(entries.dropFirst(error.completedCount ?? 0)))
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - entries: Keys and values.
  ///   - mode: Whether entries may be created, replaced or both; arrays know ``BPFUpdateMode/any`` alone.
  /// - Throws: `full`; `alreadyExists` with ``BPFUpdateMode/new``; `notFound` with ``BPFUpdateMode/existing``;
  ///   `invalidArgument` for an index that an array has not. `BPF_MAP_UPDATE_BATCH`
  @inlinable
  public borrowing func update(_ entries: [(Key, Value)], mode: BPFUpdateMode = .any) throws(BPFError) {
    try withHandle { (handle) throws(BPFError) in
      let limit = handle.batchLimit
      let writer = MapWriter(handle, capacity: min(entries.count, limit))
      var done = 0
      while done < entries.count {
        let end = min(done + limit, entries.count)
        for index in done..<end {
          writer.put(entries[index].0, entries[index].1, at: index - done)
        }
        try unsafe handle.update(writer.keys, writer.values, count: end - done, mode, after: done, of: entries.count)
        done = end
      }
    }
  }

  /// Writes many entries from keys and values that lie apart, without copying them first.
  ///
  /// - Parameters:
  ///   - values: The values.
  ///   - keys: As many keys, in the same order.
  ///   - mode: Whether entries may be created, replaced or both.
  /// - Throws: As ``update(_:mode:)``; `invalidArgument` when the counts differ.
  @inlinable
  public borrowing func updateValues(
    _ values: Span<Value>, forKeys keys: Span<Key>, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    guard keys.count == values.count else { throw MapWriter.mismatch(keys.count, values.count) }
    try withHandle { (handle) throws(BPFError) in
      if MemoryLayout<Key>.size == MemoryLayout<Key>.stride, MemoryLayout<Value>.size == MemoryLayout<Value>.stride {
        try unsafe keys.withUnsafeBytes { (keyBytes) throws(BPFError) in
          try unsafe values.withUnsafeBytes { (valueBytes) throws(BPFError) in
            guard let key = keyBytes.baseAddress, let value = valueBytes.baseAddress else { return }
            try unsafe handle.update(key, value, count: keys.count, mode, after: 0, of: keys.count)
          }
        }
        return
      }
      let limit = handle.batchLimit
      let writer = MapWriter(handle, capacity: min(keys.count, limit))
      var done = 0
      while done < keys.count {
        let end = min(done + limit, keys.count)
        for index in done..<end { writer.put(keys[index], values[index], at: index - done) }
        try unsafe handle.update(writer.keys, writer.values, count: end - done, mode, after: done, of: keys.count)
        done = end
      }
    }
  }
}

extension BPFKeyedMap where Self: ~Copyable, Key: Hashable {
  /// Every entry, as a dictionary.
  ///
  /// - Throws: As ``entries()``.
  @inlinable
  public borrowing func snapshot() throws(BPFError) -> [Key: Value] {
    try withHandle { (handle) throws(BPFError) in
      var reader = MapReader(handle, capacity: handle.batchLimit)
      var result: [Key: Value] = [:]
      while case let count = try reader.next(of: handle), count > 0 {
        for index in 0..<count { result[reader.key(at: index, as: Key.self)] = reader.value(at: index, as: Value.self) }
      }
      return result
    }
  }
}
