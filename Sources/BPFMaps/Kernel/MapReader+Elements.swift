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
  /// The bytes of one entry's value as they cross the kernel border.
  @usableFromInline var valueSpace: Int {
    info.kind.isPerCPU ? (info.valueSize + 7) / 8 * 8 * slotCount : info.valueSize
  }

  /// How many entries one batch call moves, unless the caller says otherwise: beyond this size nothing is gained, and
  /// buffers for large values would take more memory than they save calls.
  @usableFromInline var batchLimit: Int { max(16, min(4096, (4 << 20) / max(1, info.keySize + valueSpace))) }
}
