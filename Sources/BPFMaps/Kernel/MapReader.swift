// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// Reads a map batch by batch into buffers of its own, which are taken from the heap once.
///
/// What it promises: no key is seen twice, the iteration ends, and an entry that is there throughout is seen, as far as the
/// kernel's own step from key to key sees it.
///
/// - A hash's batches walk its buckets under their locks, which no removal disturbs.
/// - Other maps go from key to key, in a batch or call by call. When the key to go on from was removed meanwhile, the
///   kernel starts over. Where keys have an order that is seen by a key that is not after the last one, and what was seen
///   is skipped; where they have none, the keys that were seen are remembered. Restarts that lead to nothing new are
///   bounded.
@safe @usableFromInline
struct MapReader: ~Copyable, @unchecked Sendable {
  /// The kernel packs elements at their size, without stride.
  @usableFromInline let keySize: Int
  /// Of all CPUs' values, for per-CPU maps.
  @usableFromInline let valueSize: Int
  @usableFromInline var keys: UnsafeMutableRawPointer
  @usableFromInline var values: UnsafeMutableRawPointer
  private var capacity: Int
  /// Where the next batch begins, the batch after it, and the last key that was handed out: `markSize` bytes each.
  @usableFromInline let marks: UnsafeMutableRawPointer
  private let markSize: Int
  private var hasMark = false
  private var hasLast = false
  private var isFinished = false
  private var hasBatches: Bool
  private let order: KeyOrder?
  private let removing: Bool
  private var seen: Set<KeyBytes> = []
  /// The key to go on from that was not there when the kernel said that it was the last.
  private var absent: KeyBytes?
  private var handedOut = 0
  /// Keys that came again since the last new one.
  private var repeats = 0
  /// How many keys may come again before the walk is given up: those of many restarts.
  var patience: Int
  private var retries = 0

  /// Makes the buffers.
  ///
  /// With `removing`, entries are removed as they are read; only hashes can. With `byKey`, the kernel's batches are not
  /// used even where there are some.
  @usableFromInline
  init(_ handle: borrowing BPFMapHandle, capacity: Int, removing: Bool = false, byKey: Bool = false) {
    let info = handle.info
    keySize = info.keySize
    valueSize = handle.valueSpace
    // Storage has no limit of its own.
    let limit = info.maximumEntryCount == 0 ? capacity : Int(info.maximumEntryCount)
    self.capacity = max(1, min(capacity, limit, 1 << 24))
    self.removing = removing
    hasBatches = !byKey
    patience = 64 * (limit + 16)
    order = info.kind.order
    // The position is a bucket number for hashes, a key for other maps.
    markSize = max(keySize, 8)
    unsafe marks = .allocate(byteCount: 3 * markSize, alignment: 16)
    unsafe marks.initializeMemory(as: UInt8.self, repeating: 0, count: 3 * markSize)
    unsafe keys = Self.buffer(keySize, self.capacity)
    unsafe values = Self.buffer(valueSize, self.capacity)
  }

  @inlinable
  deinit {
    unsafe marks.deallocate()
    unsafe keys.deallocate()
    unsafe values.deallocate()
  }

  /// Room for a last element at its stride, so that loads never reach beyond.
  private static func buffer(_ size: Int, _ count: Int) -> UnsafeMutableRawPointer {
    .allocate(byteCount: size * count + 64, alignment: 16)
  }

  /// Reads the next entries; how many, 0: that was all.
  ///
  /// - Throws: `interrupted` when entries are removed faster than they can be read; `notSupported`; `systemCall`.
  @usableFromInline
  mutating func next(of handle: borrowing BPFMapHandle) throws(BPFError) -> Int {
    // Without their number, the kernel would write more values than there is room for.
    guard handle.slotCount > 0 else { throw handle.slotFailure() }
    while !isFinished {
      var count = hasBatches ? try readBatch(handle) : try readKeys(handle)
      if let order { count = dropSeen(count, by: order) }
      handedOut += count
      guard repeats <= patience, retries <= 1000 else {
        throw BPFError(
          .interrupted,
          "read map \"\(handle.info.name)\": entries are removed faster than they can be read (\(handedOut) were); try again",
          completedCount: handedOut)
      }
      if count > 0 {
        retries = 0
        repeats = 0
        return count
      }
    }
    return 0
  }

  private mutating func readBatch(_ handle: borrowing BPFMapHandle) throws(BPFError) -> Int {
    var count = UInt32(capacity)
    let status = unsafe mapLookUpBatch(
      handle.descriptor.rawValue, from: hasMark ? UnsafeRawPointer(marks) : nil, next: marks + markSize, keys, values,
      &count, removing: removing)
    switch status {
    case 0, CInt.statusNotFound:
      isFinished = status != 0
    case -28:  // ENOSPC: one bucket holds more than the buffers
      try grow(handle)
      return 0
    case _ where status.saysTryAgain:
      // Cut short. What came before is there; where nothing did, the count may not even have been written.
      retries += 1
      if Int(count) >= capacity { return 0 }
    case _ where status.saysUnsupported && !hasMark && !removing:
      hasBatches = false
      return 0
    default:
      throw removing ? handle.takeFailure(status) : handle.failure("read", status)
    }
    if count > 0 || status == 0 {
      unsafe marks.copyMemory(from: marks + markSize, byteCount: markSize)
      hasMark = true
    }
    return min(Int(count), capacity)
  }

  private mutating func grow(_ handle: borrowing BPFMapHandle) throws(BPFError) {
    // A bucket can hold all entries; those of an LRU hash or in flight may be a few more than the map's size.
    guard capacity < 2 * Int(handle.info.maximumEntryCount) + 256 else { throw handle.failure("read", -28) }
    capacity *= 4
    unsafe keys.deallocate()
    unsafe values.deallocate()
    unsafe keys = Self.buffer(keySize, capacity)
    unsafe values = Self.buffer(valueSize, capacity)
  }

  /// Two calls for each entry, where the kernel has no batches for the kind.
  private mutating func readKeys(_ handle: borrowing BPFMapHandle) throws(BPFError) -> Int {
    let descriptor = handle.descriptor.rawValue
    var count = 0
    var steps = 0
    while count < capacity, steps < 4096 {
      steps += 1
      let key = unsafe keys + count * keySize
      var status = unsafe mapNextKey(descriptor, hasMark ? UnsafeRawPointer(marks) : nil, key)
      if status == CInt.statusNotFound {
        // The end; or the kernel ends because the key to go on from is gone, and does not start over by itself.
        if hasMark, handle.info.kind == .attachedCgroupStorage || handle.info.kind.rawValue == 21,
          unsafe mapLookUp(descriptor, marks, values + count * valueSize) == CInt.statusNotFound
        {
          // Some kernels do not see the list's end, and hand out a key there that never was: it comes again.
          let gone = unsafe KeyBytes(UnsafeRawBufferPointer(start: marks, count: keySize))
          if gone == absent {
            isFinished = true
            return count
          }
          absent = gone
          hasMark = false
          repeats += 1
          return count
        }
        isFinished = true
        return count
      }
      guard status == 0 else { throw handle.failure("iterate over", status) }
      unsafe marks.copyMemory(from: key, byteCount: keySize)
      hasMark = true
      if order == nil, !seen.insert(unsafe KeyBytes(UnsafeRawBufferPointer(start: key, count: keySize))).inserted {
        repeats += 1
        continue
      }
      unsafe status = mapLookUp(descriptor, key, values + count * valueSize)
      if status == CInt.statusNotFound { continue }
      guard status == 0 else { throw handle.failure("look up a key in", status) }
      count += 1
    }
    return count
  }

  /// Moves the entries that are after the last one together, and drops those that were seen before a restart.
  private mutating func dropSeen(_ count: Int, by order: KeyOrder) -> Int {
    let last = unsafe marks + 2 * markSize
    var kept = 0
    for index in 0..<count {
      let key = unsafe keys + index * keySize
      if hasLast, unsafe !order.isAfter(key, last, size: keySize) {
        repeats += 1
        continue
      }
      unsafe last.copyMemory(from: key, byteCount: keySize)
      hasLast = true
      if kept != index {
        unsafe (keys + kept * keySize).copyMemory(from: key, byteCount: keySize)
        unsafe (values + kept * valueSize).copyMemory(from: values + index * valueSize, byteCount: valueSize)
      }
      kept += 1
    }
    return kept
  }
}
