// SPDX-License-Identifier: Apache-2.0

extension BPFMapHandle {
  /// Reads every entry key by key.
  ///
  /// The kernel starts over when the key it is asked to go on from was removed meanwhile. Keys seen before are skipped,
  /// and the restarts are bounded.
  borrowing func entriesByKey<Key: BitwiseCopyable, Value>(
    _ value: (Key) throws(BPFError) -> Value?
  ) throws(BPFError) -> [(Key, Value)] {
    var result: [(Key, Value)] = []
    var seen: Set<KeyBytes> = []
    var repeats = 0
    var key: Key? = try nextKey(after: nil)
    while let current = key {
      if seen.insert(KeyBytes(current)).inserted {
        if let value = try value(current) { result.append((current, value)) }
      } else {
        repeats += 1
        guard repeats <= 64 * (seen.count + 16) else {
          throw BPFError(
            .interrupted,
            "read map \"\(info.name)\": entries are removed faster than they can be read (\(seen.count) were); try again"
          )
        }
      }
      key = try nextKey(after: current)
    }
    return result
  }
}
