// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// What a scalar without quotes means: YAML 1.1 as the Go library reads it that kubectl uses.
enum YAMLScalar {
  static func value(_ text: String) -> DocumentValue {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON": return .bool(true)
    case "false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF": return .bool(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .double(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .double(-.infinity)
    case ".nan", ".NaN", ".NAN": return .double(.nan)
    default: break
    }
    guard let first = text.utf8.first, (48...57).contains(first) || first == 43 || first == 45 || first == 46 else {
      return .string(text)
    }
    return number(text) ?? .string(text)
  }

  private static func number(_ text: String) -> DocumentValue? {
    let plain = text.replacing("_", with: "")
    let isNegative = plain.utf8.first == 45
    let digits = plain.utf8.first == 43 || isNegative ? plain.dropFirst() : Substring(plain)
    // A sign is allowed once only.
    guard let first = digits.utf8.first, first != 43, first != 45 else { return nil }
    if let whole = integer(digits) {
      guard whole <= UInt64(Int64.max) + (isNegative ? 1 : 0) else {
        return .double(isNegative ? -Double(whole) : Double(whole))
      }
      return .int(isNegative ? Int64(truncatingIfNeeded: 0 &- whole) : Int64(whole))
    }
    guard isDecimal(digits), let double = Double(digits) else { return nil }
    // YAML becomes JSON on its way to the server, and 80.0 becomes 80.
    if let whole = Int64(exactly: double) { return .int(isNegative ? -whole : whole) }
    return .double(isNegative ? -double : double)
  }

  private static func integer(_ digits: Substring) -> UInt64? {
    for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8), ("0", 8)] where digits.hasPrefix(prefix) {
      let rest = digits.dropFirst(prefix.utf8.count)
      if rest.isEmpty { continue }
      // `UInt64` would read a sign here.
      return rest.utf8.first == 43 || rest.utf8.first == 45 ? nil : UInt64(rest, radix: radix)
    }
    return digits.utf8.allSatisfy { (48...57).contains($0) } ? UInt64(digits) : nil
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
