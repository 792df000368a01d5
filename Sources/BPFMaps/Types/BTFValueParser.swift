// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension BTFType {
  /// Reads a value of this type as people write it.
  ///
  /// - Parameter text: For a struct: `NAME=VALUE` pairs or a JSON object, nested with braces; for an array: `[1,2]`, or
  ///   text for one of characters. Numbers decimal or `0x`; constants of an enumeration by name; `10.0.0.1` for 4 bytes, an IPv6
  ///   address for 16, a link-layer address for 6; `hex 0a 00 …` or `hex:0a00…` for the bytes as they lie in memory.
  /// - Returns: ``size`` bytes. Numbers of a wire-order type such as `__be16` are in network order.
  /// - Throws: `invalidArgument`, naming the field.
  public func bytes(parsing text: String) throws(BPFError) -> [UInt8] {
    guard let size, size <= 1 << 24 else {
      throw BPFError(.invalidArgument, "write a value of type \(self): it has no size, or more than 16 MiB")
    }
    if let bytes = try BTFScalarInput.hexBytes(text) {
      guard bytes.count == size else {
        throw BPFError(.invalidArgument, "type \(self) has \(size) bytes, but \(bytes.count) were given")
      }
      return bytes
    }
    var writer = BTFValueWriter(size: size)
    try writer.write(BTFInput(parsing: text), as: self, atBit: 0, path: "", depth: 0)
    return writer.bytes
  }
}

/// Writes what was typed into the bytes of a type; bounded like its reader.
struct BTFValueWriter {
  private(set) var bytes: [UInt8]
  private var budget = 1 << 20

  init(size: Int) { bytes = [UInt8](repeating: 0, count: size) }

  mutating func write(
    _ input: BTFInput, as type: BTFType, atBit start: Int, path: String, depth: Int
  ) throws(BPFError) {
    budget -= 1
    guard budget > 0, depth < 32, let size = type.size else {
      throw failure(path, "type \(type) has no size or no end")
    }
    if case .word(let word, let isQuoted) = input {
      if let address = BTFScalarInput.address(word), address.count == size, !isText(type) {
        return put(address, atBit: start)
      }
      if !isQuoted, let bytes = try BTFScalarInput.hexBytes(word) {
        guard bytes.count == size else { throw failure(path, "it has \(size) bytes, but \(bytes.count) were given") }
        return put(bytes, atBit: start)
      }
    }
    let resolved = type.resolved
    switch resolved.kind {
    case .integer(let integer):
      let isOld = integer.bitOffset != 0 || integer.bitCount != size * 8
      try write(
        input, integer, type, at: start + integer.bitOffset, width: isOld ? integer.bitCount : size * 8,
        isWireOrder: BTFTraits.isWireOrder(type), path)
    case .enumeration(let enumeration):
      try write(input, enumeration, type, at: start, width: min(size, 8) * 8, path)
    case .pointer:
      bytes.setBits(start, 64, to: try number(input, type, isSigned: false, width: 64, path))
    case .floatingPoint:
      if let listed = input.bytes(size) { return put(listed, atBit: start) }
      try writeFloatingPoint(input, size: size, at: start, path)
    case .array(let element, let count):
      try write(input, arrayOf: element, count: count, at: start, path: path, depth: depth)
    case .structure, .union, .section:
      guard case .table(let entries) = input else {
        throw failure(path, "\(type) wants its fields: NAME=VALUE …, with \(fieldNames(resolved))")
      }
      try write(entries, resolved, at: start, path: path, depth: depth)
    default:
      if let listed = input.bytes(size) { return put(listed, atBit: start) }
      throw failure(path, "a value of type \(type) can be given as bytes alone: hex:…")
    }
  }

  private mutating func write(
    _ input: BTFInput, _ integer: BTFInteger, _ type: BTFType, at start: Int, width: Int, isWireOrder: Bool,
    _ path: String
  ) throws(BPFError) {
    if integer.isBoolean {
      guard case .word(let word, _) = input, let value = ["true": 1, "1": 1, "false": 0, "0": 0][word] else {
        throw failure(path, "write true or false")
      }
      return bytes.setBits(start, width, to: UInt64(value))
    }
    if width > 64 {
      guard case .word(let word, _) = input, let value = BTFScalarInput.wide(word) else {
        throw failure(path, "write a number of at most 128 bits, 0x and hexadecimal digits")
      }
      bytes.setBits(start, 64, to: value.low)
      return bytes.setBits(start + 64, 64, to: value.high)
    }
    if BTFTraits.isCharacter(type), case .word(let word, true) = input, word.utf8.count == 1 {
      return bytes.setBits(start, width, to: UInt64(word.utf8.first ?? 0))
    }
    let value = try number(input, type, isSigned: integer.isSigned, width: width, path)
    bytes.setBits(start, width, to: isWireOrder ? value.byteSwapped >> UInt64(64 - width) : value)
  }

  private mutating func write(
    _ input: BTFInput, _ enumeration: BTFEnumeration, _ type: BTFType, at start: Int, width: Int, _ path: String
  ) throws(BPFError) {
    if case .word(let word, _) = input, let constant = enumeration.constants.first(where: { $0.name == word }) {
      guard enumeration.holds(constant, width: width) else {
        throw failure(path, "\(word) (\(constant.value)) does not fit in its \(width) bits")
      }
      return bytes.setBits(start, width, to: UInt64(bitPattern: constant.value))
    }
    guard case .word(let word, _) = input, word.first?.isNumber == true || word.first == "-" else {
      let names = enumeration.constants.prefix(12).map(\.name).joined(separator: ", ")
      throw failure(path, "write one of \(names)\(enumeration.constants.count > 12 ? ", …" : ""), or a number")
    }
    let isSigned = enumeration.isSigned || word.first == "-"
    bytes.setBits(start, width, to: try number(input, type, isSigned: isSigned, width: width, path))
  }

  private mutating func writeFloatingPoint(
    _ input: BTFInput, size: Int, at start: Int, _ path: String
  ) throws(BPFError) {
    guard case .word(let word, _) = input, let value = Double(word), size == 4 || size == 8 else {
      throw failure(path, "write a number such as 1.5")
    }
    bytes.setBits(start, size * 8, to: size == 8 ? value.bitPattern : UInt64(Float(value).bitPattern))
  }

  private mutating func write(
    _ input: BTFInput, arrayOf element: BTFType, count: Int, at start: Int, path: String, depth: Int
  ) throws(BPFError) {
    switch input {
    case .word(let word, _) where BTFTraits.isCharacter(element):
      let text = Array(word.utf8)
      guard text.count <= count else { throw failure(path, "\(text.count) bytes of text are more than its \(count)") }
      put(text, atBit: start)
    case .list(let elements):
      guard elements.count == count else {
        throw failure(path, "it has \(count) elements, but \(elements.count) were given")
      }
      let stride = (element.size ?? 0) * 8
      for (index, value) in elements.enumerated() {
        try write(
          value, as: element, atBit: start + index * stride, path: "\(path)[\(index)]", depth: depth + 1)
      }
    default:
      let text = BTFTraits.isCharacter(element) ? ", or text" : ""
      throw failure(path, "write a list of \(count) values, [… , …]\(text), or hex:…")
    }
  }

  /// A number that fits; its bits, sign extended.
  private func number(
    _ input: BTFInput, _ type: BTFType, isSigned: Bool, width: Int, _ path: String
  ) throws(BPFError) -> UInt64 {
    guard case .word(let word, _) = input else { throw failure(path, "\(type) wants a number") }
    guard let value = BTFScalarInput.number(word) else {
      let range = Self.range(isSigned: isSigned, width: width)
      throw failure(path, "\"\(word)\" is no number; \(type) wants \(range)")
    }
    guard value.fits(isSigned: isSigned, width: width) else {
      throw failure(path, "\(word) does not fit: \(type) holds \(Self.range(isSigned: isSigned, width: width))")
    }
    return value.bits
  }

  private static func range(isSigned: Bool, width: Int) -> String {
    guard width > 0 else { return "0" }
    if isSigned { return "\(Int64.min >> Int64(64 - width)) to \(Int64.max >> Int64(64 - width))" }
    return "0 to \(UInt64.max >> UInt64(64 - width))"
  }

  private func isText(_ type: BTFType) -> Bool {
    guard case .array(let element, _) = type.resolved.kind else { return false }
    return BTFTraits.isCharacter(element)
  }

  mutating func put(_ part: [UInt8], atBit start: Int) {
    for (index, byte) in part.enumerated() { bytes.setBits(start + index * 8, 8, to: UInt64(byte)) }
  }

  /// A bit-field, whose place no type of its own describes.
  mutating func write(_ input: BTFInput, bitField member: BTFMember, width: Int, at start: Int, path: String)
    throws(BPFError)
  {
    switch member.type.resolved.kind {
    case .integer(let integer):
      try write(input, integer, member.type, at: start, width: min(width, 64), isWireOrder: false, path)
    case .enumeration(let enumeration):
      try write(input, enumeration, member.type, at: start, width: min(width, 64), path)
    default: throw failure(path, "a bit-field of type \(member.type) cannot be written")
    }
  }

  func failure(_ path: String, _ reason: String) -> BPFError {
    BPFError(.invalidArgument, path.isEmpty ? reason : "field \"\(path)\": \(reason)")
  }

  private func fieldNames(_ type: BTFType) -> String {
    (type.parts ?? []).prefix(20).map { $0.name.isEmpty ? "…" : $0.name }.joined(separator: ", ")
  }
}
