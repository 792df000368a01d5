// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// What to change in a map so that it holds wanted entries and nothing else.
///
/// Pure: it compares bytes. Entries of the map are shown to it one after the other; what it was not shown is new.
struct MapDifference: ~Copyable {
  private enum Fate: UInt8 {
    /// Not in the map as far as was shown.
    case add
    /// In the map with another value.
    case change
    /// In the map as it should be.
    case keep
    /// The same key comes again later in the list.
    case superseded
  }

  private let wanted: MapWriter
  private let count: Int
  /// Whether keys are those of a trie, of which the kernel compares no more than the prefix.
  private let isTrie: Bool
  private var fates: [Fate]
  /// Open addressing: positions of wanted entries by their keys' hashes; -1: free.
  private var table: [Int32]
  private(set) var result = BPFReplacement()
  /// The packed keys to remove.
  private(set) var surplus: [UInt8] = []
  /// How many entries the map was seen to have.
  private(set) var met = 0

  init(to wanted: consuming MapWriter, count: Int, isTrie: Bool = false) {
    self.count = count
    self.isTrie = isTrie
    fates = Array(repeating: .add, count: count)
    var size = 16
    while size < 2 * count { size *= 2 }
    table = Array(repeating: -1, count: size)
    self.wanted = wanted
    for index in 0..<count {
      let slot = unsafe slot(of: self.wanted.keys + index * self.wanted.keySize)
      if table[slot] >= 0 { fates[Int(table[slot])] = .superseded }
      table[slot] = Int32(index)
    }
    result.added = fates.count { $0 == .add }
  }

  /// The table's place for a key: that of an equal one, or a free one.
  private func slot(of key: UnsafeRawPointer) -> Int {
    let size = wanted.keySize
    let extent = unsafe extent(of: key)
    var hasher = Hasher()
    unsafe hasher.combine(bytes: UnsafeRawBufferPointer(start: key, count: extent.whole))
    hasher.combine(extent.rest)
    var slot = hasher.finalize() & (table.count - 1)
    while table[slot] >= 0 {
      let other = unsafe wanted.keys + Int(table[slot]) * size
      if unsafe self.extent(of: other) == extent, unsafe isEqual(other, key, extent.whole) { break }
      slot = (slot + 1) & (table.count - 1)
    }
    return slot
  }

  /// What tells a key from others: so many whole bytes, and of a trie's the bits of its prefix in the byte after them.
  private func extent(of key: UnsafeRawPointer) -> (whole: Int, rest: UInt8) {
    guard isTrie else { return (wanted.keySize, 0) }
    let length = unsafe key.loadUnaligned(as: UInt32.self)
    let bits = min(Int(length), (wanted.keySize - 4) * 8)
    let whole = 4 + bits / 8
    guard bits % 8 > 0 else { return (whole, 0) }
    let last = unsafe key.load(fromByteOffset: whole, as: UInt8.self)
    return (whole, last & ~(0xff >> UInt8(bits % 8)))
  }

  /// Shows an entry of the map, whose key was not shown before.
  mutating func meet(_ key: UnsafeRawPointer, _ value: UnsafeRawPointer) {
    met += 1
    let index = unsafe Int(table[slot(of: key)])
    guard index >= 0 else {
      unsafe surplus += UnsafeRawBufferPointer(start: key, count: wanted.keySize)
      result.removed += 1
      return
    }
    result.added -= 1
    // A trie keeps what is behind the prefix, too.
    if unsafe isEqual(wanted.values + index * wanted.valueSize, value, wanted.valueSize),
      unsafe isEqual(wanted.keys + index * wanted.keySize, key, wanted.keySize)
    {
      fates[index] = .keep
      result.unchanged += 1
    } else {
      fates[index] = .change
      result.changed += 1
    }
  }

  /// Moves the entries to write to the front of the buffers, in their order, and lends them.
  consuming func write<Failure: Error>(
    _ body: (_ keys: UnsafeRawPointer, _ values: UnsafeRawPointer, _ count: Int) throws(Failure) -> Void
  ) throws(Failure) {
    var kept = 0
    let (keySize, valueSize) = (wanted.keySize, wanted.valueSize)
    for index in 0..<count where fates[index] == .add || fates[index] == .change {
      if kept != index {
        unsafe (wanted.keys + kept * keySize).copyMemory(from: wanted.keys + index * keySize, byteCount: keySize)
        unsafe (wanted.values + kept * valueSize).copyMemory(
          from: wanted.values + index * valueSize, byteCount: valueSize)
      }
      kept += 1
    }
    try unsafe body(wanted.keys, wanted.values, kept)
  }

  private func isEqual(_ one: UnsafeRawPointer, _ other: UnsafeRawPointer, _ size: Int) -> Bool {
    for offset in 0..<size {
      if unsafe one.load(fromByteOffset: offset, as: UInt8.self)
        != other.load(fromByteOffset: offset, as: UInt8.self)
      {
        return false
      }
    }
    return true
  }
}

extension BPFMapHandle {
  /// Changes what differs: writes first, then removals.
  @usableFromInline
  borrowing func replaceAll(with wanted: consuming MapWriter, count: Int) throws(BPFError) -> BPFReplacement {
    var difference = MapDifference(to: wanted, count: count, isTrie: info.kind == .lpmTrie)
    var reader = MapReader(self, capacity: batchLimit)
    while case let read = try reader.next(of: self), read > 0 {
      for index in 0..<read {
        unsafe difference.meet(reader.keys + index * reader.keySize, reader.values + index * reader.valueSize)
      }
    }
    let result = difference.result
    let surplus = difference.surplus
    let room = Int(info.maximumEntryCount)
    guard info.kind.isLRU || result.added == 0 || difference.met + result.added <= room else {
      throw BPFError(
        .full,
        "replace the entries of map \"\(info.name)\": \(result.added) new entries do not fit beside the \(difference.met) that are there (max_entries \(room)), as entries are removed last; remove some before, or make the map larger",
        completedCount: 0)
    }
    try unsafe difference.write { (keys, values, count) throws(BPFError) in
      try unsafe update(keys, values, count: count, .any, after: 0, of: count)
    }
    let keySize = reader.keySize
    try unsafe surplus.span.withUnsafeBytes { (bytes) throws(BPFError) in
      guard let start = bytes.baseAddress, unsafe !bytes.isEmpty else { return }
      _ = try unsafe remove(start, count: bytes.count / keySize, after: 0, of: bytes.count / keySize)
    }
    return result
  }

  /// Removes what an iteration sees.
  borrowing func removeAll() throws(BPFError) {
    if info.kind == .hash || info.kind == .lruHash || info.kind.isPerCPU {
      var reader = MapReader(self, capacity: batchLimit, removing: true)
      do {
        while try reader.next(of: self) > 0 {}
        return
      } catch  where error.code == .notSupported {}
    }
    var reader = MapReader(self, capacity: batchLimit)
    while case let count = try reader.next(of: self), count > 0 {
      _ = try unsafe remove(reader.keys, count: count, after: 0, of: count)
    }
  }
}
