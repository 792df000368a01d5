// SPDX-License-Identifier: Apache-2.0

/// A part of a manifest that can be read from a ``DocumentValue``, strictly.
public protocol DocumentReadable: Decodable {
  /// Reads the part's fields.
  ///
  /// - Parameter reader: the object's fields. What is left in it afterwards is an unknown field.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  init(reading reader: inout ObjectReader) throws(ValidationError)
}

extension DocumentReadable {
  /// Reads a value.
  ///
  /// - Parameters:
  ///   - value: an object; null reads as an object without fields.
  ///   - path: where the value stands.
  ///   - options: how it is read.
  /// - Throws: ``ValidationError`` for the first field that is unknown, of the wrong type, or out of range.
  public init(
    _ value: DocumentValue, at path: FieldPath = .root, options: ReadingOptions = .strict
  ) throws(ValidationError) {
    var reader = try ObjectReader(value, at: path, options: options)
    try self.init(reading: &reader)
    try reader.finish()
  }

  /// Decodes by the same rules as manifests are read with.
  ///
  /// - Parameter decoder: any decoder, such as `JSONDecoder`'s.
  /// - Throws: what the decoder throws, and ``ValidationError``.
  public init(from decoder: any Decoder) throws {
    try self.init(DocumentValue(from: decoder))
  }
}
