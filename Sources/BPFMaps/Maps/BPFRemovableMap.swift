// SPDX-License-Identifier: Apache-2.0

/// A map whose entries come and go: a hash or a trie.
public protocol BPFRemovableMap: BPFKeyedMap, ~Copyable {}

extension BPFRemovableMap where Self: ~Copyable {
  /// Removes many entries, by batches where the kernel has them.
  ///
  /// Keys that are not there are passed over.
  ///
  /// - Parameter keys: The keys.
  /// - Returns: How many there were.
  /// - Throws: `permissionDenied`; `systemCall`. ``BPFError/completedCount`` says how many keys were gone through.
  ///   `BPF_MAP_DELETE_BATCH`
  @inlinable @discardableResult
  public borrowing func removeValues(forKeys keys: Span<Key>) throws(BPFError) -> Int {
    try withHandle { (handle) throws(BPFError) in
      if MemoryLayout<Key>.size == MemoryLayout<Key>.stride {
        return try unsafe keys.withUnsafeBytes { (bytes) throws(BPFError) in
          guard let start = bytes.baseAddress else { return 0 }
          return try unsafe handle.remove(start, count: keys.count, after: 0, of: keys.count)
        }
      }
      let limit = handle.batchLimit
      let writer = MapWriter(handle, capacity: min(keys.count, limit))
      var done = 0
      var removed = 0
      while done < keys.count {
        let end = min(done + limit, keys.count)
        for index in done..<end { writer.put(key: keys[index], at: index - done) }
        removed += try unsafe handle.remove(writer.keys, count: end - done, after: done, of: keys.count)
        done = end
      }
      return removed
    }
  }

  /// Removes many entries; see ``removeValues(forKeys:)-(Span<Key>)``.
  ///
  /// - Parameter keys: The keys.
  /// - Returns: How many there were.
  /// - Throws: As there.
  @inlinable @discardableResult
  public borrowing func removeValues(forKeys keys: [Key]) throws(BPFError) -> Int {
    try removeValues(forKeys: keys.span)
  }

  /// Removes every entry that an iteration sees; entries written meanwhile may stay.
  ///
  /// - Throws: As ``BPFKeyedMap/entries()``. What was removed before stays removed.
  ///   `BPF_MAP_LOOKUP_AND_DELETE_BATCH`, `BPF_MAP_DELETE_BATCH`
  public borrowing func removeAll() throws(BPFError) {
    try withHandle { (handle) throws(BPFError) in try handle.removeAll() }
  }

  /// Makes the map hold exactly these entries, with as few changes as that takes.
  ///
  /// The map is read first. Then entries that are new or whose value's bytes differ are written, in the order given, and
  /// last the keys that are not among `entries` are removed: no look-up misses a key that is there before and after.
  /// What others write meanwhile may stay. Of a key that is given twice the last value counts. Keys of a trie are equal when
  /// their prefixes are, whatever bits are behind them.
  ///
  /// As writes come first, there must be room for what comes beside what goes: a map that is too small for both is refused
  /// before anything changes.
  ///
  /// - Parameter entries: All that the map shall hold.
  /// - Returns: How much was changed.
  /// - Throws: `full`; what ``BPFKeyedMap/entries()`` and ``BPFKeyedMap/update(_:mode:)`` throw. When a write fails,
  ///   nothing was removed; the same call made again goes on from what is there.
  @inlinable @discardableResult
  public borrowing func replaceAll(with entries: [(Key, Value)]) throws(BPFError) -> BPFReplacement {
    try withHandle { (handle) throws(BPFError) in
      let wanted = MapWriter(handle, capacity: entries.count)
      for index in entries.indices { wanted.put(entries[index].0, entries[index].1, at: index) }
      return try handle.replaceAll(with: wanted, count: entries.count)
    }
  }
}

extension BPFRemovableMap where Self: ~Copyable, Key: Hashable {
  /// Makes the map hold exactly these entries; see ``replaceAll(with:)-([(Key,Value)])``.
  ///
  /// - Parameter entries: All that the map shall hold.
  /// - Returns: How much was changed.
  /// - Throws: As there.
  @inlinable @discardableResult
  public borrowing func replaceAll(with entries: [Key: Value]) throws(BPFError) -> BPFReplacement {
    try replaceAll(with: entries.map { ($0.key, $0.value) })
  }
}

/// What a replacement of all entries changed.
public struct BPFReplacement: Sendable, Hashable {
  /// Entries whose key was not there before.
  public var added = 0
  /// Entries whose key was there with another value.
  public var changed = 0
  /// Entries that were there as they should be; nothing was written for them.
  public var unchanged = 0
  /// Entries that were removed.
  public var removed = 0
}
