// SPDX-License-Identifier: Apache-2.0

// Ring buffer records are bytes until their size has been compared.
extension BPFValue where Self: BitwiseCopyable {
  /// Reads a record of exactly this type.
  ///
  /// - Parameter bytes: The record.
  /// - Throws: `malformedRecord` for another size.
  @inlinable
  public init(record bytes: RawSpan) throws(BPFError) {
    guard bytes.byteCount == MemoryLayout<Self>.size else { throw Self.mismatch(bytes.byteCount) }
    self = unsafe bytes.unsafeLoadUnaligned(as: Self.self)
  }

  /// Reads the beginning of a record.
  ///
  /// - Parameter bytes: The record, which may go on after this type.
  /// - Throws: `malformedRecord` for a shorter one.
  @inlinable
  public init(beginningOf bytes: RawSpan) throws(BPFError) {
    guard bytes.byteCount >= MemoryLayout<Self>.size else { throw Self.mismatch(bytes.byteCount) }
    self = unsafe bytes.unsafeLoadUnaligned(as: Self.self)
  }

  @usableFromInline @inline(never)
  static func mismatch(_ count: Int) -> BPFError {
    BPFError(
      .malformedRecord, "a record has \(count) bytes, but \(layout.name) has \(MemoryLayout<Self>.size)")
  }
}
