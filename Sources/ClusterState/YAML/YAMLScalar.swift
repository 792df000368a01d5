// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// What a scalar without quotes means: YAML 1.1 as the Go library reads it that kubectl uses.
enum YAMLScalar {
  static func value(_ text: String) -> DocumentValue {
    guard let first = text.utf8.first else { return .null }
    switch first {
    case 48...57, 43, 45, 46:
      return special(text) ?? number(text, first) ?? .string(text)
    // The first letters of the words below.
    case 0x7E, 0x46, 0x4E, 0x4F, 0x54, 0x59, 0x66, 0x6E, 0x6F, 0x74, 0x79:
      return text.utf8.count <= 5 ? word(text) ?? .string(text) : .string(text)
    default: return .string(text)
    }
  }

  /// Whether a text is a date, with or without a time; such a scalar stays text.
  static func isDate(_ text: String) -> Bool {
    let digits = text.utf8.prefix { (48...57).contains($0) }
    return digits.count == 4 && text.utf8.dropFirst(4).first == 45
  }

  private static func word(_ text: String) -> DocumentValue? {
    switch text {
    case "~", "null", "Null", "NULL": .null
    case "true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON": .bool(true)
    case "false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF": .bool(false)
    default: nil
    }
  }

  private static func special(_ text: String) -> DocumentValue? {
    guard (4...5).contains(text.utf8.count) else { return nil }
    return switch text {
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": .double(.infinity)
    case "-.inf", "-.Inf", "-.INF": .double(-.infinity)
    case ".nan", ".NaN", ".NAN": .double(.nan)
    default: nil
    }
  }

  private static func number(_ text: String, _ first: UInt8) -> DocumentValue? {
    // Underscores mean nothing; in a number that begins with a dot they must stand between digits.
    var plain = text
    if text.utf8.contains(95) {
      guard first != 46 || hasUnderscoresBetweenDigits(text) else { return nil }
      plain = text.replacing("_", with: "")
    }
    let isNegative = first == 45
    let digits = first == 43 || isNegative ? plain.dropFirst() : Substring(plain)
    // A sign is allowed once only.
    guard let next = digits.utf8.first, next != 43, next != 45 else { return nil }
    if let whole = integer(digits) {
      guard whole <= UInt64(Int64.max) + (isNegative ? 1 : 0) else {
        return .double(isNegative ? -Double(whole) : Double(whole))
      }
      return .int(isNegative ? Int64(truncatingIfNeeded: 0 &- whole) : Int64(whole))
    }
    guard isDecimal(digits), let double = Double(digits), double.isFinite else { return nil }
    // YAML becomes JSON on its way to the server, and 80.0 becomes 80.
    if let whole = Int64(exactly: double) { return .int(isNegative ? -whole : whole) }
    return .double(isNegative ? -double : double)
  }

  private static func hasUnderscoresBetweenDigits(_ text: String) -> Bool {
    text.utf8.split(separator: 95, omittingEmptySubsequences: false).dropFirst().allSatisfy { part in
      part.first.map { (48...57).contains($0) } ?? false
    }
      && text.utf8.split(separator: 95, omittingEmptySubsequences: false).dropLast().allSatisfy { part in
        part.last.map { (48...57).contains($0) } ?? false
      }
  }

  /// The base that a letter after the first zero names, either case.
  private static let bases: [UInt8: Int] = [0x78: 16, 0x58: 16, 0x62: 2, 0x42: 2, 0x6F: 8, 0x4F: 8]

  private static func integer(_ digits: Substring) -> UInt64? {
    var bytes = digits.utf8[...]
    var radix = 10
    if bytes.first == 48, bytes.count > 1 {
      bytes = bytes.dropFirst()
      radix = 8
      if let letter = bytes.first, let base = bases[letter] {
        radix = base
        bytes = bytes.dropFirst()
      }
    }
    // `UInt64` would read a sign here.
    guard let first = bytes.first, first != 43, first != 45 else { return nil }
    return UInt64(Substring(bytes), radix: radix)
  }

  /// Digits, at most one dot, and perhaps an exponent: what JSON could carry.
  private static func isDecimal(_ text: Substring) -> Bool {
    var rest = text.utf8[...]
    let isDigit: (UInt8) -> Bool = { (48...57).contains($0) }
    let whole = rest.prefix(while: isDigit)
    rest = rest.dropFirst(whole.count)
    var fraction = rest.prefix(0)
    if rest.first == 46 {
      fraction = rest.dropFirst().prefix(while: isDigit)
      rest = rest.dropFirst(1 + fraction.count)
    }
    guard !whole.isEmpty || !fraction.isEmpty else { return false }
    guard let mark = rest.first else { return true }
    guard mark == 101 || mark == 69 else { return false }
    rest = rest.dropFirst()
    if rest.first == 43 || rest.first == 45 { rest = rest.dropFirst() }
    return !rest.isEmpty && rest.allSatisfy(isDigit)
  }
}
