// SPDX-License-Identifier: Apache-2.0

/// Attributes that the kernel sent and this module has no property for, in the order they came.
///
/// They are kept in one block of bytes, as they were on the wire.
public struct RawAttributes: Sendable, Hashable {
  private var storage: [UInt8] = []

  /// One attribute: its type without the nested and byte-order bits, and its payload.
  public struct Element: Sendable, Hashable {
    /// The kernel's number for it, such as `IFLA_GROUP`.
    ///
    /// Its meaning depends on the object it belongs to.
    public let type: UInt16
    /// The payload, unpadded, integers in the byte order of the machine unless the kernel says otherwise.
    public let bytes: [UInt8]
  }

  /// Makes an empty list.
  public init() {}

  /// Adds an attribute, for the settings of a kind that this module does not know.
  ///
  /// - Parameters:
  ///   - type: the kernel's number for it.
  ///   - bytes: the payload, up to 65531 bytes, or it traps.
  public mutating func append(_ type: UInt16, bytes: [UInt8]) {
    precondition(bytes.count <= Int(UInt16.max) - Attribute.headerSize, "an attribute of \(bytes.count) bytes")
    let length = UInt16(bytes.count + Attribute.headerSize)
    for half in [length.littleEndian, type.littleEndian] {
      storage += [UInt8(truncatingIfNeeded: half), UInt8(truncatingIfNeeded: half >> 8)]
    }
    storage += bytes
    while storage.count % 4 != 0 { storage.append(0) }
  }

  /// Keeps `attribute` of `datagram`.
  mutating func append(_ attribute: Attribute, from datagram: RawSpan) throws(WireError) {
    try datagram.append(attribute.whole, to: &storage)
    while storage.count % 4 != 0 { storage.append(0) }
  }

  /// Keeps `attribute` of `datagram`, and makes room at once for all that may follow it before `end`.
  ///
  /// Whoever keeps many attributes allocates once.
  mutating func append(_ attribute: Attribute, from datagram: RawSpan, upTo end: Int) throws(WireError) {
    if storage.isEmpty { storage.reserveCapacity(Attribute.aligned(end - attribute.whole.lowerBound)) }
    try append(attribute, from: datagram)
  }

  /// Calls `body` with the bytes that the attributes lie in.
  func withSpan(_ body: (RawSpan) -> Void) {
    let span = unsafe storage.span.bytes
    body(span)
  }

  /// Whether nothing was left over.
  public var isEmpty: Bool { storage.isEmpty }

  /// All attributes of `type`.
  public subscript(type: UInt16) -> [[UInt8]] { filter { $0.type == type }.map(\.bytes) }
}

extension RawAttributes: CustomStringConvertible {
  /// The attributes as `[type: bytes in hexadecimal, ...]`.
  public var description: String {
    func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
    return "[" + map { "\($0.type): \($0.bytes.map(hexadecimal).joined())" }.joined(separator: ", ") + "]"
  }
}

extension RawAttributes: Sequence {
  /// An iterator over the attributes, first to last.
  public struct Iterator: IteratorProtocol {
    fileprivate let storage: [UInt8]
    fileprivate var cursor: AttributeCursor

    /// The next attribute, or nil after the last one.
    public mutating func next() -> Element? {
      let bytes = storage
      let span = unsafe bytes.span.bytes
      guard let attribute = try? cursor.next(in: span), let payload = try? span.bytes(attribute.payload) else {
        return nil
      }
      return Element(type: attribute.type, bytes: payload)
    }
  }

  /// An iterator over the attributes, first to last.
  public func makeIterator() -> Iterator {
    Iterator(storage: storage, cursor: AttributeCursor(0..<storage.count))
  }
}

extension RawAttributes {
  /// Calls `body` with the type of each attribute, its nested and byte-order bits included, and its payload.
  func forEachAsRead(_ body: (_ type: UInt16, _ payload: [UInt8]) -> Void) {
    let span = unsafe storage.span.bytes
    var cursor = AttributeCursor(0..<storage.count)
    while let attribute = try? cursor.next(in: span), let payload = try? span.bytes(attribute.payload),
      let type = try? span.load(UInt16.self, at: attribute.whole.lowerBound + 2)
    {
      body(type, payload)
    }
  }
}
