// SPDX-License-Identifier: Apache-2.0

public import Synchronization

extension BPFMappedArray {
  /// A field of one byte of the elements, to be read and written in one step.
  public struct ByteField: Sendable {
    @usableFromInline let offset: Int

    @usableFromInline init(offset: Int) { self.offset = offset }
  }

  /// The field of one byte behind a key path.
  ///
  /// - Parameter path: A stored property. A field that is not stored is a bug and traps.
  /// - Returns: The field.
  public borrowing func field(_ path: KeyPath<Value, UInt8>) -> ByteField {
    guard let offset = MemoryLayout<Value>.offset(of: path) else {
      preconditionFailure("\(path) is no stored property of \(Value.self)")
    }
    return ByteField(offset: offset)
  }

  /// Reads a field of one byte in one step.
  ///
  /// - Parameters:
  ///   - field: From ``field(_:)``.
  ///   - index: Below ``count``.
  /// - Returns: The field's value.
  @inlinable
  public borrowing func load(_ field: ByteField, at index: UInt32) -> UInt8 {
    unsafe (address(of: index) + field.offset).assumingMemoryBound(to: Atomic<UInt8>.self).pointee
      .load(ordering: .relaxed)
  }

  /// Writes a field of one byte in one step, and leaves its neighbours alone, which programs may write meanwhile.
  ///
  /// - Parameters:
  ///   - value: The field's new value.
  ///   - field: From ``field(_:)``.
  ///   - index: Below ``count``.
  ///   - ordering: Releasing, where what was written before is to be seen by who reads the field.
  @inlinable
  public borrowing func store(
    _ value: UInt8, in field: ByteField, at index: UInt32, ordering: AtomicStoreOrdering = .relaxed
  ) {
    precondition(isWritable, "the array was mapped for reading")
    let atomic = unsafe (address(of: index) + field.offset).assumingMemoryBound(to: Atomic<UInt8>.self)
    switch ordering {
    case .releasing: unsafe atomic.pointee.store(value, ordering: .releasing)
    case .sequentiallyConsistent: unsafe atomic.pointee.store(value, ordering: .sequentiallyConsistent)
    default: unsafe atomic.pointee.store(value, ordering: .relaxed)
    }
  }
}
