// SPDX-License-Identifier: Apache-2.0

/// The syntax an object's name must have.
enum NameSyntax {
  /// A DNS label: at most 63 characters, no dots.
  case label
  /// A DNS subdomain: labels with dots between them, at most 253 characters.
  case subdomain
}

private func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
  (97...122).contains(byte) || (48...57).contains(byte)
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
  isLowerAlphanumeric(byte) || (65...90).contains(byte)
}

private func isDNSLabel(_ bytes: some Collection<UInt8>) -> Bool {
  guard let first = bytes.first, isLowerAlphanumeric(first) else { return false }
  var last = first
  for byte in bytes {
    guard isLowerAlphanumeric(byte) || byte == 45 else { return false }
    last = byte
  }
  return last != 45
}

private func isDNSSubdomain(_ text: some StringProtocol) -> Bool {
  guard !text.isEmpty, text.utf8.count <= 253 else { return false }
  return text.utf8.split(separator: 46, omittingEmptySubsequences: false).allSatisfy { isDNSLabel($0) }
}

/// A name of letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, at most 63 characters.
private func isNamePart(_ bytes: some Collection<UInt8>) -> Bool {
  guard bytes.count <= 63, let first = bytes.first, isAlphanumeric(first) else { return false }
  var last = first
  for byte in bytes {
    guard isAlphanumeric(byte) || byte == 45 || byte == 46 || byte == 95 else { return false }
    last = byte
  }
  return isAlphanumeric(last)
}

func labelNameErrors(_ name: String, at path: FieldPath) -> [ValidationError] {
  if name.utf8.count <= 63, isDNSLabel(name.utf8) { return [] }
  return [
    ValidationError(
      path,
      "\"\(shortened(name))\" is not a DNS label: at most 63 lower case letters, digits and \"-\", with a letter or "
        + "digit at both ends")
  ]
}

func subdomainErrors(_ name: String, at path: FieldPath) -> [ValidationError] {
  if isDNSSubdomain(name) { return [] }
  return [
    ValidationError(
      path,
      "\"\(shortened(name))\" is not a DNS subdomain: at most 253 lower case letters, digits, \"-\" and \".\", with a "
        + "letter or digit at both ends of each part")
  ]
}

/// Whether a text is a label's or annotation's key: a name, with an optional DNS subdomain and a slash before it.
func isQualifiedName(_ key: String) -> Bool {
  guard let slash = key.utf8.firstIndex(of: 47) else { return isNamePart(key.utf8) }
  // Another slash is no part of a name.
  return isDNSSubdomain(key[..<slash]) && isNamePart(key[slash...].utf8.dropFirst())
}

func isLabelValue(_ value: String) -> Bool { value.isEmpty || isNamePart(value.utf8) }

/// The errors of a label's or annotation's key.
func qualifiedNameErrors(_ key: String, at path: FieldPath) -> [ValidationError] {
  if isQualifiedName(key) { return [] }
  return [
    ValidationError(
      path,
      "\"\(shortened(key))\" is not a label key: at most 63 letters, digits, \"-\", \"_\" and \".\", with a letter or "
        + "digit at both ends, optionally after a DNS subdomain and \"/\"")
  ]
}

func labelValueErrors(_ value: String, at path: FieldPath) -> [ValidationError] {
  if isLabelValue(value) { return [] }
  return [
    ValidationError(
      path,
      "\"\(shortened(value))\" is not a label value: at most 63 letters, digits, \"-\", \"_\" and \".\", with a letter "
        + "or digit at both ends")
  ]
}

func portNumberErrors(_ number: Int32, at path: FieldPath) -> [ValidationError] {
  if (1...65535).contains(number) { return [] }
  return [ValidationError(path, "\(number) is not a port number, 1 to 65535")]
}

/// The errors of a port's name: at most 15 lower case letters, digits and single dashes, at least one letter.
func portNameErrors(_ name: String, at path: FieldPath) -> [ValidationError] {
  let bytes = Array(name.utf8)
  let hasDoubleDash = zip(bytes, bytes.dropFirst()).contains { $0 == 45 && $1 == 45 }
  if bytes.count <= 15, isDNSLabel(bytes), bytes.contains(where: { (97...122).contains($0) }), !hasDoubleDash {
    return []
  }
  return [
    ValidationError(
      path,
      "\"\(shortened(name))\" is not a port name: at most 15 lower case letters, digits and single \"-\", with at "
        + "least one letter; write a number without quotes")
  ]
}
