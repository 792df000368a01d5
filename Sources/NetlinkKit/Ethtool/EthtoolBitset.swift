// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// Numbered bits, and which of them count, as both are sent: in words, or each bit by itself.
struct EthtoolBitset: Sendable, Hashable {
  /// The bits, 32 to a word, the lowest first.
  private(set) var value: [UInt32] = []
  /// Which of them count; nil for all.
  private(set) var mask: [UInt32]?
  /// How many bits there are.
  private(set) var size = 0

  /// Far more than any set has: a bound on what a message can make us allocate.
  static let maximumSize = 4096

  /// A set without bits.
  init() {}

  /// Reads either form (`ETHTOOL_A_BITSET_...`).
  init(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    var hasMask = true
    var cursor = AttributeCursor(attribute.payload)
    var words: (value: Attribute?, mask: Attribute?) = (nil, nil)
    var bits: Attribute?
    while let part = try cursor.next(in: datagram) {
      switch part.kind {
      case Int(ETHTOOL_A_BITSET_NOMASK): hasMask = false
      case Int(ETHTOOL_A_BITSET_SIZE):
        size = Int(try datagram.value(part, as: UInt32.self))
        guard size <= EthtoolBitset.maximumSize else {
          throw .invalidValue(type: part.type, reason: "a set of \(size) bits")
        }
      case Int(ETHTOOL_A_BITSET_VALUE): words.value = part
      case Int(ETHTOOL_A_BITSET_MASK): words.mask = part
      case Int(ETHTOOL_A_BITSET_BITS): bits = part
      default: break
      }
    }
    if let bits {
      value = [UInt32](repeating: 0, count: (size + 31) / 32)
      if hasMask { mask = value }
      var inside = AttributeCursor(bits.payload)
      while let bit = try inside.next(in: datagram) { try read(bit, in: datagram) }
      return
    }
    value = try words.value.map { part throws(WireError) in try EthtoolBitset.words(part, in: datagram) } ?? []
    mask = try words.mask.map { part throws(WireError) in try EthtoolBitset.words(part, in: datagram) }
  }

  private static func words(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> [UInt32] {
    let range = attribute.payload
    guard range.count.isMultiple(of: 4), range.count <= maximumSize / 8 else {
      throw .attributeWidth(
        type: attribute.type, expected: min(range.count / 4 * 4, maximumSize / 8), actual: range.count)
    }
    var words: [UInt32] = []
    words.reserveCapacity(range.count / 4)
    for offset in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
      words.append(try datagram.load(UInt32.self, at: offset))
    }
    return words
  }

  /// A bit by itself; one without a value is 0 where there is a mask, and 1 in a list of those that are set.
  private mutating func read(_ bit: Attribute, in datagram: RawSpan) throws(WireError) {
    var place: Int?
    var isSet = mask == nil
    var cursor = AttributeCursor(bit.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_BITSET_BIT_INDEX): place = Int(try datagram.value(attribute, as: UInt32.self))
      case Int(ETHTOOL_A_BITSET_BIT_VALUE): isSet = true
      default: break
      }
    }
    guard let place, place < size else { throw .invalidValue(type: bit.type, reason: "a bit outside of its set") }
    let one: UInt32 = 1 << UInt32(place % 32)
    if isSet { value[place / 32] |= one }
    mask?[place / 32] |= one
  }

  /// Whether a bit is set; one beyond the set is not.
  subscript(place: Int) -> Bool { EthtoolBitset.bit(place, of: value) }

  /// Whether a bit counts.
  func counts(_ place: Int) -> Bool { mask.map { EthtoolBitset.bit(place, of: $0) } ?? (place < size) }

  private static func bit(_ place: Int, of words: [UInt32]) -> Bool {
    words.indices.contains(place / 32) && words[place / 32] & 1 << UInt32(place % 32) != 0
  }

  /// Writes the set in words, as the kernel does.
  func encodeReply(as type: Int, into writer: MessageWriter) {
    writer.nested(type) { writer in
      if mask == nil { writer.put(flag: Int(ETHTOOL_A_BITSET_NOMASK)) }
      writer.put(Int(ETHTOOL_A_BITSET_SIZE), UInt32(size))
      writer.put(Int(ETHTOOL_A_BITSET_VALUE), values: value)
      if let mask { writer.put(Int(ETHTOOL_A_BITSET_MASK), values: mask) }
    }
  }
}
