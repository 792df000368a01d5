// SPDX-License-Identifier: Apache-2.0

/// Why a file cannot be used: where in it, and what is wrong.
struct InputError: Error, CustomStringConvertible {
  private let message: String
  /// Such as `line 3` or `line 3, column 7`.
  private var place: String?
  /// The field, from the outside in.
  private var path = ""

  init(_ message: String, place: String? = nil, path: String = "") {
    self.message = message
    self.place = place
    self.path = path
  }

  /// The same, seen from one level further out; `place` counts where the error has none.
  func inside(_ step: String, place: @autoclosure () -> String) -> InputError {
    InputError(message, place: self.place ?? place(), path: step + path)
  }

  var description: String {
    ([place, path.isEmpty ? nil : path].compactMap(\.self) + [message]).joined(separator: ": ")
  }
}

/// Reads JSON (RFC 8259) member by member, strictly and without recursion.
///
/// It is not slower than a general decoder, says line and column of what is wrong, and holds nothing but the values that
/// the caller asked for.
struct JSONReader {
  private let bytes: [UInt8]
  private var position = 0

  /// How deep values may nest.
  static let depthLimit = 128

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  // MARK: Structure

  /// Calls `body` for each member with its name; it must read the value.
  mutating func object(_ body: (inout JSONReader, String) throws -> Void) throws {
    try expect(UInt8(ascii: "{"), "an object")
    skipSpace()
    if take(UInt8(ascii: "}")) { return }
    while true {
      let name = try string()
      try expect(UInt8(ascii: ":"), "a colon")
      skipSpace()
      let start = position
      do {
        try body(&self, name)
      } catch let error as InputError {
        throw error.inside(".\(name.prefix(80))", place: line(at: start))
      }
      skipSpace()
      if take(UInt8(ascii: ",")) {
        skipSpace()
        continue
      }
      try expect(UInt8(ascii: "}"), "a comma or the end of the object")
      return
    }
  }

  /// Calls `body` for each item; it must read the value.
  mutating func array(_ body: (inout JSONReader) throws -> Void) throws {
    try expect(UInt8(ascii: "["), "a list")
    skipSpace()
    if take(UInt8(ascii: "]")) { return }
    var index = 0
    while true {
      skipSpace()
      let start = position
      do {
        try body(&self)
      } catch let error as InputError {
        throw error.inside("[\(index)]", place: line(at: start))
      }
      index += 1
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      try expect(UInt8(ascii: "]"), "a comma or the end of the list")
      return
    }
  }

  /// Nothing may follow the document.
  mutating func end() throws {
    skipSpace()
    guard position == bytes.count else { throw failure("the document's end") }
  }

  // MARK: Values

  /// Takes `null`, if that is what stands here.
  mutating func null() throws -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  mutating func bool() throws -> Bool {
    skipSpace()
    switch peek {
    case UInt8(ascii: "t"):
      try word("true")
      return true
    case UInt8(ascii: "f"):
      try word("false")
      return false
    default: throw failure("true or false")
    }
  }

  /// A number that is whole, in whatever form it is written.
  mutating func integer() throws -> Int {
    let start = try number()
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if let value = Int(text) { return value }
    guard let double = Double(text), let value = Int(exactly: double) else {
      throw failure("a whole number", at: start)
    }
    return value
  }

  mutating func string() throws -> String {
    try expect(UInt8(ascii: "\""), "a text in quotes")
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
          throw failure("UTF-8", at: start)
        }
        position += 1
        return text
      case UInt8(ascii: "\\"): return try escapedString(from: start)
      case 0..<0x20: throw failure("a text without control characters")
      default: position += 1
      }
    }
    throw failure("the end of a text", at: start)
  }

  /// Skips a value that nobody wants, whatever it is.
  mutating func skip() throws {
    var closers: [UInt8] = []
    repeat {
      skipSpace()
      guard let byte = peek else { throw failure("a value") }
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard closers.count < Self.depthLimit else { throw failure("at most \(Self.depthLimit) levels") }
        position += 1
        let closer = byte &+ 2
        skipSpace()
        if take(closer) { break }
        closers.append(closer)
        if closer == UInt8(ascii: "}") { try memberName() }
        continue
      case UInt8(ascii: "\""): _ = try string()
      case UInt8(ascii: "t"): try word("true")
      case UInt8(ascii: "f"): try word("false")
      case UInt8(ascii: "n"): try word("null")
      default: _ = try number()
      }
      // After a value: the next of the list or object, or its end.
      while let closer = closers.last {
        skipSpace()
        if take(closer) {
          closers.removeLast()
          continue
        }
        try expect(UInt8(ascii: ","), "a comma or an end")
        if closer == UInt8(ascii: "}") { try memberName() }
        break
      }
    } while !closers.isEmpty
  }

  // MARK: Pieces

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func memberName() throws {
    skipSpace()
    _ = try string()
    try expect(UInt8(ascii: ":"), "a colon")
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ byte: UInt8, _ wanted: String) throws {
    skipSpace()
    guard take(byte) else { throw failure(wanted) }
  }

  private mutating func word(_ word: StaticString) throws {
    let start = position
    for byte in word.description.utf8 {
      guard take(byte) else { throw failure("\(word)", at: start) }
    }
  }

  /// Passes over a number and returns where it begins.
  private mutating func number() throws -> Int {
    skipSpace()
    let start = position
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try digits(start) }
    if take(UInt8(ascii: ".")) { try digits(start) }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
      try digits(start)
    }
    guard position - start <= 64 else { throw failure("a number of a sensible length", at: start) }
    return start
  }

  private mutating func digits(_ start: Int) throws {
    let first = position
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > first else { throw failure("a value", at: start) }
  }

  private mutating func escapedString(from start: Int) throws -> String {
    var text = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw failure("UTF-8", at: start) }
        return string
      case UInt8(ascii: "\\"): text += try escape()
      case 0..<0x20: throw failure("a text without control characters", at: position - 1)
      default: text.append(byte)
      }
    }
    throw failure("the end of a text", at: start)
  }

  private mutating func escape() throws -> [UInt8] {
    let start = position - 1
    guard let byte = peek else { throw failure("an escape", at: start) }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"):
      var value = try hexadecimal()
      if (0xD800..<0xDC00).contains(value), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw failure("the second half of a surrogate pair", at: start) }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw failure("a whole character", at: start) }
      return Array(String(Character(scalar)).utf8)
    default: throw failure("an escape of JSON", at: start)
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("four hexadecimal digits")
      }
      position += 1
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  /// Says where, as in `line 3, column 7: expected a colon`.
  private func failure(_ wanted: String, at place: Int? = nil) -> InputError {
    let place = min(place ?? position, bytes.count)
    let before = bytes[..<place]
    let column = place - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
    let found = place == bytes.count ? "the end of the file" : Self.shown(bytes[place])
    return InputError("expected \(wanted), found \(found)", place: "\(line(at: place)), column \(column)")
  }

  /// Where the next value stands.
  var place: Int {
    mutating get {
      skipSpace()
      return position
    }
  }

  /// Such as `line 3`.
  func line(at place: Int) -> String { "line \(bytes[..<min(place, bytes.count)].count { $0 == 0x0A } + 1)" }

  private static func shown(_ byte: UInt8) -> String {
    (0x21..<0x7F).contains(byte) ? "\"\(Character(Unicode.Scalar(byte)))\"" : "byte \(byte)"
  }
}
