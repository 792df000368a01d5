// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// How many elements one batch call moves: beyond this size nothing is gained.
private let batchLimit = 4096

extension BPFMapHandle {
  /// Writes entries in batches, going on where a batch stopped; where the kernel has no batches for this map, one by
  /// one.
  ///
  /// Entries before the one that failed have been written; the error says how many.
  borrowing func update<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ entries: some Collection<(Key, Value)>, _ mode: BPFUpdateMode
  ) throws(BPFError) {
    var rest = entries[...]
    var done = 0
    while !rest.isEmpty {
      let part = rest.prefix(batchLimit)
      var count = UInt32(part.count)
      let status = unsafe withPacked(part.lazy.map(\.0), count: part.count) { keys in
        unsafe withPacked(part.lazy.map(\.1), count: part.count) { values in
          unsafe mapUpdateBatch(descriptor.rawValue, keys.baseAddress, values.baseAddress, &count, mode.rawValue)
        }
      }
      // A refusal before the first element leaves the count as it was; a later one never reports all of them.
      let written = status == 0 ? part.count : Int(count) < part.count ? Int(count) : 0
      if Self.lacksBatches(status) {
        for (key, value) in rest {
          do {
            try update(key, value, mode)
          } catch {
            throw BPFError(
              error.code, "\(error.message) (after \(done) of \(entries.count) entries)", errno: error.errno)
          }
          done += 1
        }
        return
      }
      done += written
      rest = rest.dropFirst(written)
      if status != 0, written == 0 || !Self.isTransient(status) {
        let error = failure("update", status)
        throw BPFError(error.code, "\(error.message) (after \(done) of \(entries.count) entries)", errno: error.errno)
      }
    }
  }

  /// Reads every entry by batched look-ups; nil: this kernel has none for this map.
  ///
  /// A hash's batches walk its buckets, so an entry that is there throughout is seen exactly once, whatever is removed
  /// meanwhile.
  borrowing func entriesByBatch<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _: Key.Type, _: Value.Type
  ) throws(BPFError) -> [(Key, Value)]? {
    // The position is a bucket number for hashes, a key for other maps.
    let positionSize = max(MemoryLayout<Key>.size, 8)
    var position = [UInt8](repeating: 0, count: positionSize)
    var next = position
    var isFirst = true
    var result: [(Key, Value)] = []
    var capacity = max(1, min(batchLimit, Int(info.maximumEntryCount)))
    var status: CInt = 0
    repeat {
      var count = UInt32(capacity)
      // The kernel packs elements at their size, which a Swift type's stride may exceed.
      let (keySize, valueSize) = (MemoryLayout<Key>.size, MemoryLayout<Value>.size)
      let page: [(Key, Value)] = unsafe withUnsafeTemporaryAllocation(byteCount: keySize * capacity, alignment: 16) {
        keys in
        unsafe withUnsafeTemporaryAllocation(byteCount: valueSize * capacity, alignment: 16) { values in
          status = unsafe position.withUnsafeMutableBytes { position in
            unsafe next.withUnsafeMutableBytes { next in
              unsafe mapLookUpBatch(
                descriptor.rawValue, from: isFirst ? nil : position.baseAddress, next: next.baseAddress,
                keys.baseAddress, values.baseAddress, &count)
            }
          }
          guard status == 0 || status == CInt.statusNotFound else { return [] }
          return (0..<min(Int(count), capacity)).map { index in
            unsafe (
              keys.loadUnaligned(fromByteOffset: index * keySize, as: Key.self),
              values.loadUnaligned(fromByteOffset: index * valueSize, as: Value.self)
            )
          }
        }
      }
      if status == -28, capacity < 1 << 20 {  // ENOSPC: one bucket holds more than the buffers
        capacity *= 4
        continue
      }
      if isFirst, Self.lacksBatches(status) { return nil }
      if status != 0, status != CInt.statusNotFound, !Self.isTransient(status) { throw failure("read", status) }
      if Self.isTransient(status) { continue }
      result += page
      position = next
      isFirst = false
    } while status != CInt.statusNotFound
    return result
  }

  private static func lacksBatches(_ status: CInt) -> Bool {
    status == -524 || status == -95 || status == -22 || status == -38
  }

  private static func isTransient(_ status: CInt) -> Bool { status == -4 || status == -11 }

  /// Lends the elements packed as the kernel reads them: each at its size, without stride.
  private borrowing func withPacked<Element: BitwiseCopyable, Result>(
    _ elements: some Sequence<Element>, count: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    let size = MemoryLayout<Element>.size
    return unsafe withUnsafeTemporaryAllocation(byteCount: max(1, size * count), alignment: 16) { bytes in
      var offset = 0
      for element in elements {
        unsafe withUnsafeBytes(of: element) { element in
          unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + size]).copyMemory(from: element)
        }
        offset += size
      }
      return unsafe body(UnsafeRawBufferPointer(bytes))
    }
  }
}
