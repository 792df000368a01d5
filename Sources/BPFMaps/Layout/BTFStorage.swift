// SPDX-License-Identifier: Apache-2.0

/// The bytes of a BTF section, checked once: every record is whole, every name and reference leads somewhere.
final class BTFStorage: Sendable {
  let bytes: [UInt8]
  /// The types that these continue.
  let base: BTFStorage?
  /// Where each type's record begins.
  private let records: [UInt32]
  /// The identifier of the first record.
  private let first: Int
  private let strings: Range<Int>
  /// How many bytes of names the base has: offsets go on from there.
  private let firstString: Int

  /// One more than the largest identifier.
  var count: Int { first + records.count }

  init(_ bytes: [UInt8], base: BTFStorage?) throws(BPFError) {
    let header = try BTFHeader(bytes)
    self.bytes = bytes
    self.base = base
    first = base?.count ?? 1
    firstString = base.map { $0.firstString + $0.strings.count } ?? 0
    strings = header.strings
    var records: [UInt32] = []
    records.reserveCapacity(header.types.count / 32)
    var position = header.types.lowerBound
    while position < header.types.upperBound {
      records.append(UInt32(truncatingIfNeeded: position))
      position = try Self.end(ofRecordAt: position, in: bytes, types: header.types)
    }
    self.records = records
    try checkReferences()
  }

  /// A record's end, if the record is whole.
  private static func end(ofRecordAt position: Int, in bytes: [UInt8], types: Range<Int>) throws(BPFError) -> Int {
    guard position + 12 <= types.upperBound else {
      throw .malformedBTF(at: position, "a type's record is cut off")
    }
    let info = bytes.word(at: position + 4)
    guard let kind = BTF.RecordKind(rawValue: info >> 24 & 0x1f), kind != .void else {
      throw .malformedBTF(at: position + 4, "type of unknown kind \(info >> 24 & 0x1f)")
    }
    let count = Int(info & 0xffff)
    let details =
      switch kind {
      case .array: 12
      case .structure, .union, .section, .enumeration64: count * 12
      case .enumeration, .functionPrototype: count * 8
      case .integer, .variable, .declarationTag: 4
      default: 0
      }
    guard position + 12 + details <= types.upperBound else {
      throw .malformedBTF(at: position, "a type's record of \(12 + details) bytes is cut off")
    }
    return position + 12 + details
  }

  private func checkReferences() throws(BPFError) {
    let limit = UInt32(count)
    let names = firstString + strings.count
    func type(_ position: Int) throws(BPFError) {
      let type = bytes.word(at: position)
      guard type < limit else {
        throw .malformedBTF(at: position, "reference to type \(type), but there are \(limit)")
      }
    }
    func name(_ position: Int) throws(BPFError) {
      let offset = bytes.word(at: position)
      guard offset == 0 || Int(offset) < names else {
        throw .malformedBTF(at: position, "name at \(offset), but names have \(names) bytes")
      }
    }
    for record in records {
      let record = Int(record)
      try name(record)
      let info = bytes.word(at: record + 4)
      let count = Int(info & 0xffff)
      let details = record + 12
      switch BTF.RecordKind(rawValue: info >> 24 & 0x1f) {
      case .pointer, .typedef, .volatile, .const, .restrict, .function, .variable, .declarationTag, .typeTag:
        try type(record + 8)
      case .array: try type(details)
      case .structure, .union:
        for member in 0..<count {
          try name(details + member * 12)
          try type(details + member * 12 + 4)
        }
      case .functionPrototype:
        try type(record + 8)
        for parameter in 0..<count {
          try name(details + parameter * 8)
          try type(details + parameter * 8 + 4)
        }
      case .section: for variable in 0..<count { try type(details + variable * 12) }
      case .enumeration: for constant in 0..<count { try name(details + constant * 8) }
      case .enumeration64: for constant in 0..<count { try name(details + constant * 12) }
      default: break
      }
    }
  }

  /// The storage that holds the type, and its record's place there; nil: void, or no such type.
  private func record(_ identifier: UInt32) -> (storage: BTFStorage, position: Int)? {
    let identifier = Int(identifier)
    if identifier < first { return base?.record(UInt32(identifier)) }
    return identifier < count ? (self, Int(records[identifier - first])) : nil
  }

  func kind(_ identifier: UInt32) -> BTF.RecordKind {
    guard let (storage, position) = record(identifier) else { return .void }
    return BTF.RecordKind(rawValue: storage.bytes.word(at: position + 4) >> 24 & 0x1f) ?? .void
  }

  func entry(_ identifier: UInt32) -> BTF.Entry? {
    if identifier == 0 { return BTF.Entry(kind: .void, name: "", flag: false, count: 0, sizeOrType: 0, details: 0) }
    guard let (storage, position) = record(identifier) else { return nil }
    let info = storage.bytes.word(at: position + 4)
    return BTF.Entry(
      kind: BTF.RecordKind(rawValue: info >> 24 & 0x1f) ?? .void, name: storage.name(at: position),
      flag: info >> 31 == 1, count: Int(info & 0xffff), sizeOrType: storage.bytes.word(at: position + 8),
      details: position + 12)
  }

  /// A 32-bit word of the type's record.
  func word(_ identifier: UInt32, at position: Int) -> UInt32 {
    record(identifier)?.storage.bytes.word(at: position) ?? 0
  }

  /// The name that the word at a position of the type's record refers to.
  func name(_ identifier: UInt32, at position: Int) -> String { record(identifier)?.storage.name(at: position) ?? "" }

  func isNamed(_ wanted: [UInt8], _ identifier: UInt32) -> Bool {
    guard let (storage, position) = record(identifier) else { return false }
    return storage.nameBytes(storage.bytes.word(at: position)).elementsEqual(wanted)
  }

  private func name(at position: Int) -> String {
    String(decoding: nameBytes(bytes.word(at: position)), as: UTF8.self)
  }

  /// Longer names are cut: many types may share one, and the kernel takes no more than half of it.
  private static let longestName = 1024

  private func nameBytes(_ offset: UInt32) -> ArraySlice<UInt8> {
    let offset = Int(offset)
    guard offset >= firstString else { return base?.nameBytes(UInt32(offset)) ?? [] }
    let start = strings.lowerBound + offset - firstString
    guard start < strings.upperBound else { return [] }
    return bytes[start..<min(strings.upperBound, start + Self.longestName)].prefix { $0 != 0 }
  }
}

/// Where a BTF section's parts are.
private struct BTFHeader {
  var types: Range<Int>
  var strings: Range<Int>

  init(_ bytes: [UInt8]) throws(BPFError) {
    guard bytes.count >= 24 else { throw .malformedBTF(at: 0, "\(bytes.count) bytes are less than a header") }
    guard bytes.count <= 1 << 30 else { throw .malformedBTF(at: 0, "\(bytes.count) bytes are more than a GiB") }
    let magic = bytes.word(at: 0) & 0xffff
    guard magic == 0xeb9f else {
      let reason = magic == 0x9feb ? "it is in the other byte order" : "it does not begin with BTF's magic number"
      throw .malformedBTF(at: 0, reason)
    }
    let version = bytes[2]
    guard version == 1 else { throw .malformedBTF(at: 2, "version \(version) is unknown") }
    let header = Int(bytes.word(at: 4))
    guard header >= 24, header <= bytes.count else {
      throw .malformedBTF(at: 4, "the header's length is \(header)")
    }
    func part(_ position: Int, _ what: String) throws(BPFError) -> Range<Int> {
      let start = header + Int(bytes.word(at: position))
      let length = Int(bytes.word(at: position + 4))
      guard start <= bytes.count, length <= bytes.count - start else {
        throw .malformedBTF(at: position, "\(what) are beyond the end: \(length) bytes at \(start) of \(bytes.count)")
      }
      return start..<start + length
    }
    types = try part(8, "types")
    strings = try part(16, "names")
    guard strings.isEmpty || bytes[strings.upperBound - 1] == 0 else {
      throw .malformedBTF(at: strings.upperBound - 1, "the last name has no end")
    }
  }
}

extension BPFError {
  /// Bytes that are not BTF.
  static func malformedBTF(at offset: Int, _ reason: String) -> BPFError {
    BPFError(.malformedObject, "decode BTF, offset \(offset): \(reason)")
  }
}

extension [UInt8] {
  /// Both supported architectures are little-endian, and BTF is in the machine's order.
  ///
  /// The caller has checked that four bytes are there.
  fileprivate func word(at position: Int) -> UInt32 {
    precondition(position >= 0 && position + 4 <= count)
    return unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: position, as: UInt32.self) }
  }
}
