// SPDX-License-Identifier: Apache-2.0

/// The attributes of a message, in order, as they were sent: also those that the fake kernel knows nothing of.
struct Attributes: Sendable, Hashable {
  struct Element: Sendable, Hashable {
    /// The type without its two upper bits.
    var type: UInt16
    /// `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
    var bits: UInt16 = 0
    var payload: [UInt8]
  }

  var elements: [Element] = []

  init() {}

  /// Takes the attributes in `bytes` apart, from `start`; nil when they are malformed.
  init?(_ bytes: [UInt8], from start: Int = 0) {
    var offset = start
    while offset < bytes.count {
      guard bytes.count - offset >= 4 else { return nil }
      let length = Int(bytes.host(at: offset, as: UInt16.self))
      guard length >= 4, length <= bytes.count - offset else { return nil }
      let type = bytes.host(at: offset + 2, as: UInt16.self)
      elements.append(
        Element(type: type & 0x3fff, bits: type & 0xc000, payload: Array(bytes[offset + 4..<offset + length])))
      offset += (length + 3) & ~3
    }
  }

  var bytes: [UInt8] {
    elements.flatMap { element in
      (Array(host: UInt16(element.payload.count + 4)) + Array(host: element.type | element.bits) + element.payload)
        .padded
    }
  }

  /// The payload of the last attribute of `type`; setting replaces the first in its place, nil removes all.
  subscript(type: UInt16) -> [UInt8]? {
    get { elements.last { $0.type == type }?.payload }
    set {
      guard let newValue else { return elements.removeAll { $0.type == type } }
      guard let place = elements.firstIndex(where: { $0.type == type }) else {
        return elements.append(Element(type: type, payload: newValue))
      }
      elements[place].payload = newValue
    }
  }

  func number(_ type: UInt16) -> UInt32? { self[type].map { $0.host() } }
  func text(_ type: UInt16) -> String? { self[type]?.text }
  func nested(_ type: UInt16) -> Attributes? { self[type].flatMap { Attributes($0) } }

  mutating func set(_ type: UInt16, _ value: some FixedWidthInteger & BitwiseCopyable) {
    self[type] = Array(host: value)
  }
  mutating func set(_ type: UInt16, _ value: String) { self[type] = Array(value.utf8) + [0] }
  mutating func set(_ type: UInt16, nested value: Attributes) { self[type] = value.bytes }

  /// Sets all that `others` has.
  mutating func merge(_ others: Attributes) { for other in others.elements { self[other.type] = other.payload } }

  /// Those whose type is not in `types`.
  func without(_ types: Set<UInt16>) -> Attributes {
    var rest = self
    rest.elements.removeAll { types.contains($0.type) }
    return rest
  }
}
