// SPDX-License-Identifier: Apache-2.0

/// Buffers in which elements lie as the kernel reads them: each at its size, without stride.
@safe @usableFromInline
struct MapWriter: ~Copyable, @unchecked Sendable {
  @usableFromInline let keys: UnsafeMutableRawPointer
  @usableFromInline let values: UnsafeMutableRawPointer
  @usableFromInline let keySize: Int
  @usableFromInline let valueSize: Int

  /// Makes room for `capacity` entries of the map, zeroed: no padding says what was in memory before.
  @usableFromInline
  init(_ handle: borrowing BPFMapHandle, capacity: Int) {
    self.init(keySize: handle.info.keySize, valueSize: handle.valueSpace, capacity: capacity)
  }

  init(keySize: Int, valueSize: Int, capacity: Int) {
    self.keySize = keySize
    self.valueSize = valueSize
    // Room for a last element at its stride.
    let (keyBytes, valueBytes) = (keySize * capacity + 64, valueSize * capacity + 64)
    unsafe keys = .allocate(byteCount: keyBytes, alignment: 16)
    unsafe values = .allocate(byteCount: valueBytes, alignment: 16)
    unsafe keys.initializeMemory(as: UInt8.self, repeating: 0, count: keyBytes)
    unsafe values.initializeMemory(as: UInt8.self, repeating: 0, count: valueBytes)
  }

  @inlinable
  deinit {
    unsafe keys.deallocate()
    unsafe values.deallocate()
  }

  @inlinable
  borrowing func put<Key: BitwiseCopyable>(key: Key, at index: Int) {
    unsafe withUnsafeBytes(of: key) {
      unsafe UnsafeMutableRawBufferPointer(start: keys + index * MemoryLayout<Key>.size, count: $0.count).copyMemory(
        from: $0)
    }
  }

  @inlinable
  borrowing func put<Key: BitwiseCopyable, Value: BitwiseCopyable>(_ key: Key, _ value: Value, at index: Int) {
    put(key: key, at: index)
    put(value, atByte: index * MemoryLayout<Value>.size)
  }

  @inlinable
  borrowing func put<Value: BitwiseCopyable>(_ value: Value, atByte offset: Int) {
    unsafe withUnsafeBytes(of: value) {
      unsafe UnsafeMutableRawBufferPointer(start: values + offset, count: $0.count).copyMemory(from: $0)
    }
  }

  /// The error for lists that do not belong together.
  @usableFromInline
  static func mismatch(_ keys: Int, _ values: Int) -> BPFError {
    BPFError(.invalidArgument, "update a map: \(keys) keys but \(values) values; give one value for each key")
  }
}

/// Elements at their stride, as spans need them.
@safe @usableFromInline
struct StridedBuffer<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline var copy: UnsafeMutableBufferPointer<Element>?

  @inlinable init() { unsafe copy = nil }

  @inlinable deinit { unsafe copy?.deallocate() }

  /// The packed elements; where they lie closer than Swift has them, in a copy that is reused.
  @inlinable
  mutating func elements(over packed: UnsafeMutableRawPointer, _ count: Int) -> UnsafeBufferPointer<Element> {
    guard MemoryLayout<Element>.size != MemoryLayout<Element>.stride else {
      return unsafe UnsafeBufferPointer(
        start: UnsafePointer(packed.assumingMemoryBound(to: Element.self)), count: count)
    }
    if unsafe copy?.count ?? 0 < count {
      unsafe copy?.deallocate()
      unsafe copy = .allocate(capacity: count)
    }
    guard let copy = unsafe copy else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
    for index in 0..<count {
      let element = unsafe packed.loadUnaligned(
        fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
      unsafe (copy.baseAddress?.advanced(by: index))?.initialize(to: element)
    }
    return unsafe UnsafeBufferPointer(rebasing: copy[..<count])
  }
}
