// SPDX-License-Identifier: Apache-2.0

/// What somebody typed as a value, before any type is known: words, lists, and named values.
///
/// One grammar reads JSON and the short form: `{"port": 80}`, `port=80 peer=10.0.0.1`, `[1,2,3]`, `inner={left=1}`.
indirect enum BTFInput: Equatable {
  /// `isQuoted`: it was in quotation marks, and is no number.
  case word(String, isQuoted: Bool)
  case list([BTFInput])
  case table([Entry])

  struct Entry: Equatable {
    var name: String
    var value: BTFInput
  }

  /// Reads a text; one that begins with a name and `=` is a table without braces.
  init(parsing text: String) throws(BPFError) {
    guard text.utf8.count <= 1 << 20 else {
      throw BPFError(.invalidArgument, "read a value: \(text.utf8.count) bytes of text are more than a MiB")
    }
    var parser = BTFInputParser(text)
    self = try parser.whole()
  }
}

extension BTFInput {
  /// So many bytes, listed as JSON has them; nil: something else.
  func bytes(_ count: Int) -> [UInt8]? {
    guard case .list(let elements) = self, elements.count == count else { return nil }
    var bytes: [UInt8] = []
    for element in elements {
      guard case .word(let word, _) = element, let number = BTFScalarInput.number(word),
        number.fits(isSigned: false, width: 8)
      else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: number.bits))
    }
    return bytes
  }
}

/// A recursive descent through the bytes of a text; depth is bounded.
private struct BTFInputParser {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  mutating func whole() throws(BPFError) -> BTFInput {
    skipBlanks()
    let start = position
    let input: BTFInput
    if isAtName() {
      position = start
      input = .table(try entries(until: nil, depth: 0))
    } else {
      position = start
      input = try value(depth: 0)
    }
    skipBlanks()
    guard position == bytes.count else { throw failure("unexpected \"\(rest)\"") }
    return input
  }

  /// Whether a word and `=` come next.
  private mutating func isAtName() -> Bool {
    guard let next = peek, next != UInt8(ascii: "{"), next != UInt8(ascii: "["), next != UInt8(ascii: "\"") else {
      return false
    }
    _ = word(stopAtSeparator: true)
    return peek == UInt8(ascii: "=")
  }

  private mutating func value(depth: Int) throws(BPFError) -> BTFInput {
    guard depth < 32 else { throw failure("nested deeper than 32") }
    skipBlanks()
    switch peek {
    case UInt8(ascii: "{"):
      position += 1
      return .table(try entries(until: UInt8(ascii: "}"), depth: depth + 1))
    case UInt8(ascii: "["):
      position += 1
      return .list(try elements(depth: depth + 1))
    case UInt8(ascii: "\""): return .word(try quoted(), isQuoted: true)
    default:
      let word = word(stopAtSeparator: false)
      guard !word.isEmpty else { throw failure(rest.isEmpty ? "a value is missing" : "unexpected \"\(rest)\"") }
      return .word(word, isQuoted: false)
    }
  }

  private mutating func entries(until end: UInt8?, depth: Int) throws(BPFError) -> [BTFInput.Entry] {
    var entries: [BTFInput.Entry] = []
    while true {
      skipSeparators()
      guard let next = peek else {
        guard end == nil else { throw failure("\"}\" is missing") }
        return entries
      }
      if next == end {
        position += 1
        return entries
      }
      let name = next == UInt8(ascii: "\"") ? try quoted() : word(stopAtSeparator: true)
      skipBlanks()
      guard peek == UInt8(ascii: "=") || peek == UInt8(ascii: ":") else {
        throw failure("\"\(name.isEmpty ? rest : name)\" is no field: write NAME=VALUE")
      }
      position += 1
      entries.append(BTFInput.Entry(name: name, value: try value(depth: depth)))
    }
  }

  private mutating func elements(depth: Int) throws(BPFError) -> [BTFInput] {
    var elements: [BTFInput] = []
    while true {
      skipSeparators()
      guard let next = peek else { throw failure("\"]\" is missing") }
      if next == UInt8(ascii: "]") {
        position += 1
        return elements
      }
      elements.append(try value(depth: depth))
    }
  }

  /// Up to a blank, a comma or a closing bracket; colons belong to it, for IPv6 addresses.
  private mutating func word(stopAtSeparator: Bool) -> String {
    let start = position
    while let next = peek, !Self.endsWord(next), !stopAtSeparator || next != UInt8(ascii: "=") { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    isBlank(byte) || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
      || byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "\"")
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  private mutating func quoted() throws(BPFError) -> String {
    position += 1
    var text: [UInt8] = []
    while let next = peek {
      position += 1
      switch next {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += try escaped()
      default: text.append(next)
      }
    }
    throw failure("a quotation mark is missing")
  }

  private mutating func escaped() throws(BPFError) -> [UInt8] {
    guard let next = peek else { throw failure("a quotation mark is missing") }
    position += 1
    switch next {
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "u"):
      let digits = String(decoding: bytes[position...].prefix(4), as: UTF8.self)
      guard digits.utf8.count == 4, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else {
        throw failure("\\u\(digits) is no character")
      }
      position += 4
      return Array(String(Character(scalar)).utf8)
    default: return [next]
    }
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipBlanks() { while let next = peek, Self.isBlank(next) { position += 1 } }

  private mutating func skipSeparators() {
    while let next = peek, Self.isBlank(next) || next == UInt8(ascii: ",") { position += 1 }
  }

  private var rest: String { String(decoding: bytes[position...].prefix(20), as: UTF8.self) }

  private func failure(_ reason: String) -> BPFError {
    BPFError(.invalidArgument, "read a value, character \(position + 1): \(reason)")
  }
}
