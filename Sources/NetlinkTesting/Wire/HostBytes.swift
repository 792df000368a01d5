// SPDX-License-Identifier: Apache-2.0

/// Integers and bytes, in the byte order of the machine.
extension Array where Element == UInt8 {
  init(host value: some FixedWidthInteger & BitwiseCopyable) {
    self = unsafe Swift.withUnsafeBytes(of: value) { unsafe Array($0) }
  }

  /// The integer at `offset`; 0 when it is not all there.
  func host<Value: FixedWidthInteger>(at offset: Int = 0, as type: Value.Type = Value.self) -> Value {
    let width = Value.bitWidth / 8
    guard offset >= 0, offset + width <= count else { return 0 }
    var value: Value = 0
    for byte in self[offset..<offset + width].reversed() { value = value << 8 | Value(truncatingIfNeeded: byte) }
    return Value(littleEndian: value)
  }

  /// Puts `value` at `offset`, where there must be room.
  mutating func set(_ value: some FixedWidthInteger & BitwiseCopyable, at offset: Int) {
    replaceSubrange(offset..<offset + value.bitWidth / 8, with: Array(host: value))
  }

  /// The text up to the first zero byte.
  var text: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }

  /// Zero bytes at the end, up to a multiple of four.
  var padded: [UInt8] { self + [UInt8](repeating: 0, count: (4 - count % 4) % 4) }
}
