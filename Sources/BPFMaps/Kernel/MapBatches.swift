// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

// Batches of packed elements, going on where a batch stopped. Nothing here depends on the elements' types.
extension BPFMapHandle {
  /// Writes `count` entries in batches; where the kernel has no batches for this map, one by one.
  ///
  /// Entries before the one that failed have been written; the error says how many, beginning with `before` of `total`.
  @usableFromInline
  borrowing func update(
    _ keys: UnsafeRawPointer, _ values: UnsafeRawPointer, count: Int, _ mode: BPFUpdateMode, after before: Int,
    of total: Int
  ) throws(BPFError) {
    let (keySize, valueSize) = (info.keySize, valueSpace)
    let descriptor = descriptor.rawValue
    var done = 0
    var retries = 0
    while done < count {
      let part = min(count - done, Self.largestBatch)
      var written = UInt32(part)
      let status = unsafe mapUpdateBatch(
        descriptor, keys + done * keySize, values + done * valueSize, &written, mode.rawValue)
      if status == 0 {
        done += part
        continue
      }
      // A refusal before the first element leaves the count as it was; a later one never reports all of them.
      let progress = Int(written) < part ? Int(written) : 0
      done += progress
      if status.saysTryAgain, progress > 0 || retries < 1000 {
        retries += 1
        continue
      }
      guard status.saysUnsupported, progress == 0 else {
        throw failure("update", status, after: before + done, of: total)
      }
      // No batches for this kind of map; or an element that is refused alone as well, which its own error explains.
      while done < count {
        let status = unsafe mapUpdate(descriptor, keys + done * keySize, values + done * valueSize, mode.rawValue)
        guard status == 0 else { throw failure("update", status, after: before + done, of: total) }
        done += 1
      }
    }
  }

  /// Removes `count` keys in batches, or one by one; keys that are not there are passed over.
  ///
  /// - Returns: How many there were.
  @usableFromInline
  borrowing func remove(
    _ keys: UnsafeRawPointer, count: Int, after before: Int, of total: Int
  ) throws(BPFError) -> Int {
    let keySize = info.keySize
    let descriptor = descriptor.rawValue
    var done = 0
    var removed = 0
    var retries = 0
    while done < count {
      let part = min(count - done, Self.largestBatch)
      var deleted = UInt32(part)
      let status = unsafe mapDeleteBatch(descriptor, keys + done * keySize, &deleted)
      if status == 0 {
        done += part
        removed += part
        continue
      }
      let progress = Int(deleted) < part ? Int(deleted) : 0
      done += progress
      removed += progress
      switch status {
      case CInt.statusNotFound:
        done += 1
      case _ where status.saysTryAgain && (progress > 0 || retries < 1000):
        retries += 1
      case _ where status.saysUnsupported && progress == 0:
        while done < count {
          let status = unsafe mapDelete(descriptor, keys + done * keySize)
          guard status == 0 || status == CInt.statusNotFound else {
            throw failure("remove a key from", status, after: before + done, of: total)
          }
          done += 1
          removed += status == 0 ? 1 : 0
        }
      default:
        throw failure("remove a key from", status, after: before + done, of: total)
      }
    }
    return removed
  }

  /// How many entries one call moves at most: the kernel counts in 32 bits.
  private static var largestBatch: Int { 1 << 24 }
}
