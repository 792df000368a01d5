// SPDX-License-Identifier: Apache-2.0

extension ObjectReader {
  /// Takes the fields of `metadata` that only the API server writes: their types count, their values do not.
  mutating func takeServerFields() throws(ValidationError) {
    _ = try string("selfLink")
    if let generation = try int64("generation"), generation < 0 {
      throw ValidationError(path.field("generation"), "\(generation) is less than 0")
    }
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
    _ = try timestamp("time")
    ignore("fieldsV1")
  }

  /// Takes a time.
  mutating func timestamp(_ name: String) throws(ValidationError) -> Timestamp? {
    guard let text = try string(name) else { return nil }
    guard let time = Timestamp(text) else {
      throw ValidationError(path.field(name), "\"\(shortened(text))\" is not a time such as 2006-01-02T15:04:05Z")
    }
    return time
  }
}
