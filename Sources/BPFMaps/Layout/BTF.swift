// SPDX-License-Identifier: Apache-2.0

/// BTF, the type description that objects and kernels carry, decoded.
///
/// Decoding is total: malformed bytes give `nil`, a malformed reference gives no type.
struct BTF: Sendable {
  struct Member: Sendable {
    var name: String
    var type: UInt32
    /// Struct and union members: the raw bit offset word.
    ///
    /// Section entries: offset and size in bytes.
    var offset: UInt32
    var size: UInt32 = 0
  }

  struct Entry: Sendable {
    var kind: Kind
    var name: String
    var hasBitFields: Bool
    /// Size in bytes, or the type referred to.
    var sizeOrType: UInt32
    var elementCount: UInt32 = 0
    var members: [Member] = []
  }

  enum Kind: UInt32, Sendable {
    case void = 0
    case integer, pointer, array, structure, union, enumeration, forward, typedef, volatile, const, restrict
    case function, functionPrototype, variable, section, float, declarationTag, typeTag, enumeration64
  }

  /// By type identifier; 0 is void.
  private(set) var entries = [Entry(kind: .void, name: "", hasBitFields: false, sizeOrType: 0)]

  /// Decodes a `.BTF` section.
  init?(_ bytes: [UInt8]) {
    let reader = Reader(bytes: bytes)
    guard let magic = reader.half(at: 0), magic == 0xeb9f,
      let header = reader.word(at: 4), let typeOffset = reader.word(at: 8), let typeLength = reader.word(at: 12),
      let stringOffset = reader.word(at: 16), let stringLength = reader.word(at: 20)
    else { return nil }
    let strings = Int(header) + Int(stringOffset)
    let stringEnd = strings + Int(stringLength)
    var position = Int(header) + Int(typeOffset)
    let end = position + Int(typeLength)
    guard end <= bytes.count, stringEnd <= bytes.count else { return nil }
    func name(_ offset: UInt32) -> String {
      let start = strings + Int(offset)
      guard start < stringEnd else { return "" }
      return String(decoding: bytes[start..<stringEnd].prefix { $0 != 0 }, as: UTF8.self)
    }
    while position < end {
      guard let nameOffset = reader.word(at: position), let info = reader.word(at: position + 4),
        let sizeOrType = reader.word(at: position + 8), let kind = Kind(rawValue: info >> 24 & 0x1f)
      else { return nil }
      position += 12
      let count = Int(info & 0xffff)
      var entry = Entry(
        kind: kind, name: name(nameOffset), hasBitFields: info >> 31 == 1, sizeOrType: sizeOrType)
      switch kind {
      case .array:
        guard let element = reader.word(at: position), let length = reader.word(at: position + 8) else { return nil }
        entry.sizeOrType = element
        entry.elementCount = length
        position += 12
      case .structure, .union:
        guard position + count * 12 <= end else { return nil }
        for index in 0..<count {
          let at = position + index * 12
          guard let memberName = reader.word(at: at), let type = reader.word(at: at + 4),
            let offset = reader.word(at: at + 8)
          else { return nil }
          entry.members.append(Member(name: name(memberName), type: type, offset: offset))
        }
        position += count * 12
      case .section:
        guard position + count * 12 <= end else { return nil }
        for index in 0..<count {
          let at = position + index * 12
          guard let type = reader.word(at: at), let offset = reader.word(at: at + 4), let size = reader.word(at: at + 8)
          else { return nil }
          entry.members.append(Member(name: "", type: type, offset: offset, size: size))
        }
        position += count * 12
      case .enumeration, .functionPrototype: position += count * 8
      case .enumeration64: position += count * 12
      case .integer, .variable, .declarationTag: position += 4
      case .void: return nil
      default: break
      }
      entries.append(entry)
    }
    guard position == end else { return nil }
  }

  private struct Reader {
    let bytes: [UInt8]

    func half(at offset: Int) -> UInt16? {
      guard offset + 2 <= bytes.count else { return nil }
      return UInt16(littleEndianBytes: bytes[offset], bytes[offset + 1])
    }

    func word(at offset: Int) -> UInt32? {
      guard let low = half(at: offset), let high = half(at: offset + 2) else { return nil }
      return UInt32(low) | UInt32(high) << 16
    }
  }
}

extension UInt16 {
  /// Both supported architectures are little-endian, and BTF is in the machine's order.
  fileprivate init(littleEndianBytes low: UInt8, _ high: UInt8) {
    self = UInt16(low) | UInt16(high) << 8
  }
}
