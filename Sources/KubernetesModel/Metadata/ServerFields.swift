// SPDX-License-Identifier: Apache-2.0

extension ObjectReader {
  /// Takes the fields of `metadata` that only the API server writes: their types count, their values do not.
  mutating func takeServerFields() throws(ValidationError) {
    _ = try string("selfLink")
    if let generation = try int64("generation"), generation < 0 {
      throw ValidationError(path.field("generation"), "\(generation) is less than 0")
    }
    try takeTimestamp("creationTimestamp")
    try takeTimestamp("deletionTimestamp")
    _ = try int64("deletionGracePeriodSeconds")
    _ = try array("managedFields") { (reader: inout ObjectReader) throws(ValidationError) in
      try reader.takeManagedFields()
    }
  }

  private mutating func takeManagedFields() throws(ValidationError) {
    let manager = try string("manager") ?? ""
    if manager.utf8.count > 128 || manager.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
      throw ValidationError(path.field("manager"), "is longer than 128 bytes or has control characters")
    }
    let operation = try string("operation") ?? ""
    guard operation == "Apply" || operation == "Update" else {
      throw ValidationError(path.field("operation"), "\"\(shortened(operation))\" is not one of Apply, Update")
    }
    let type = try string("fieldsType") ?? ""
    guard type.isEmpty || type == "FieldsV1" else {
      throw ValidationError(path.field("fieldsType"), "\"\(shortened(type))\" is not FieldsV1")
    }
    if let subresource = try string("subresource"), subresource.utf8.count > 256 {
      throw ValidationError(path.field("subresource"), "is longer than 256 bytes")
    }
    _ = try string("apiVersion")
    try takeTimestamp("time")
    ignore("fieldsV1")
  }

  private mutating func takeTimestamp(_ name: String) throws(ValidationError) {
    guard let text = try string(name), !isTimestamp(text) else { return }
    throw ValidationError(
      path.field(name), "\"\(shortened(text))\" is not a time such as 2006-01-02T15:04:05Z")
  }
}

/// Whether a text is a time as RFC 3339 has it.
func isTimestamp(_ text: String) -> Bool {
  var bytes = Array(text.utf8)[...]
  /// Takes as many digits, and a separator after them, as a number.
  func number(_ count: Int, _ range: ClosedRange<Int>, then separator: UInt8? = nil) -> Int? {
    guard bytes.count >= count, bytes.prefix(count).allSatisfy({ (48...57).contains($0) }) else { return nil }
    let value = bytes.prefix(count).reduce(0) { $0 * 10 + Int($1) - 48 }
    bytes = bytes.dropFirst(count)
    guard range.contains(value) else { return nil }
    guard let separator else { return value }
    guard bytes.first == separator else { return nil }
    bytes = bytes.dropFirst()
    return value
  }
  guard let year = number(4, 0...9999, then: 45), let month = number(2, 1...12, then: 45),
    let day = number(2, 1...31, then: 84), number(2, 0...23, then: 58) != nil, number(2, 0...59, then: 58) != nil,
    number(2, 0...59) != nil
  else { return false }
  let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  guard day <= days[month - 1] else { return false }
  if bytes.first == 46 || bytes.first == 44 {
    let fraction = bytes.dropFirst().prefix { (48...57).contains($0) }
    if fraction.isEmpty { return false }
    bytes = bytes.dropFirst(1 + fraction.count)
  }
  if bytes.elementsEqual([90]) { return true }
  guard bytes.first == 43 || bytes.first == 45 else { return false }
  bytes = bytes.dropFirst()
  return number(2, 0...24, then: 58) != nil && number(2, 0...60) != nil && bytes.isEmpty
}
