// SPDX-License-Identifier: Apache-2.0

extension MapReader {
  @inlinable
  borrowing func key<Key: BitwiseCopyable>(at index: Int, as type: Key.Type) -> Key {
    unsafe keys.loadUnaligned(fromByteOffset: index * MemoryLayout<Key>.size, as: Key.self)
  }

  @inlinable
  borrowing func value<Value: BitwiseCopyable>(at index: Int, as type: Value.Type) -> Value {
    unsafe values.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self)
  }
}

extension BPFMapHandle {
  /// Every entry, read batch by batch; `removing` each as it is read.
  @inlinable
  borrowing func entries<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _: Key.Type, _: Value.Type, removing: Bool = false
  ) throws(BPFError) -> [(Key, Value)] {
    var reader = MapReader(self, capacity: batchLimit, removing: removing)
    var result: [(Key, Value)] = []
    while case let count = try reader.next(of: self), count > 0 {
      for index in 0..<count {
        result.append((reader.key(at: index, as: Key.self), reader.value(at: index, as: Value.self)))
      }
    }
    return result
  }

  /// The bytes of one entry's value as they cross the kernel border.
  @usableFromInline var valueSpace: Int {
    info.kind.isPerCPU ? (info.valueSize + 7) / 8 * 8 * slotCount : info.valueSize
  }

  /// How many entries one batch call moves, unless the caller says otherwise: beyond this size nothing is gained, and
  /// buffers for large values would take more memory than they save calls.
  @usableFromInline var batchLimit: Int { max(16, min(4096, (4 << 20) / max(1, info.keySize + valueSpace))) }
}
