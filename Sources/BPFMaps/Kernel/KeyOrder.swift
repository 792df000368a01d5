// SPDX-License-Identifier: Apache-2.0

/// The order in which the kernel hands out a map's keys, where the keys themselves tell it.
///
/// An iteration of such a map sees that the kernel started over by a key that is not after the one before it, and needs
/// to remember no other.
enum KeyOrder {
  /// By index, in the machine's byte order.
  case index
  /// A trie's: what is more specific first, then by address. `trie_get_next_key`
  case prefix

  /// Whether the kernel hands out the first key after the second.
  ///
  /// Both have `size` bytes, at least 4.
  func isAfter(_ key: UnsafeRawPointer, _ other: UnsafeRawPointer, size: Int) -> Bool {
    let length = unsafe key.loadUnaligned(as: UInt32.self)
    let otherLength = unsafe other.loadUnaligned(as: UInt32.self)
    guard self == .prefix else { return length > otherLength }
    // The bits that both have.
    var bits = min(Int(length), Int(otherLength), (size - 4) * 8)
    var offset = 4
    while bits > 0 {
      let mask: UInt8 = bits >= 8 ? 0xff : ~(0xff >> UInt8(bits))
      let byte = unsafe key.load(fromByteOffset: offset, as: UInt8.self) & mask
      let otherByte = unsafe other.load(fromByteOffset: offset, as: UInt8.self) & mask
      if byte != otherByte { return byte > otherByte }
      offset += 1
      bits -= 8
    }
    // One lies within the other: the wider one comes after what it contains.
    return length < otherLength
  }
}
