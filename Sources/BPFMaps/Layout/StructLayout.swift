// SPDX-License-Identifier: Apache-2.0

/// Where a Swift type keeps its fields, to be compared with what a BPF object says of the C struct of that name.
///
/// ```swift
/// extension endpoint: BPFValue {
///   public static let layout = StructLayout(
///     "endpoint", of: Self.self, fields: [.init("address", \.address), .init("flags", \.flags)])
/// }
/// ```
public struct StructLayout: Sendable, Hashable {
  /// A field: its C name, and its place in the Swift type.
  public struct Field: Sendable, Hashable {
    /// The C name.
    public let name: String
    /// In bytes from the start; `nil` where the Swift property is not stored.
    public let offset: Int?
    /// In bytes.
    public let size: Int
  }

  /// A field of `Root`, found by key path.
  public struct Member<Root>: Sendable {
    let field: Field

    /// A stored property.
    ///
    /// - Parameters:
    ///   - name: The field's C name.
    ///   - path: The stored property. Members of C unions and bit-fields are not stored in Swift's eyes: give those by
    ///     offset.
    public init<Value>(_ name: String, _ path: KeyPath<Root, Value>) {
      field = Field(name: name, offset: MemoryLayout<Root>.offset(of: path), size: MemoryLayout<Value>.size)
    }

    /// A field that no key path reaches.
    ///
    /// - Parameters:
    ///   - name: The field's C name.
    ///   - offset: In bytes from the start.
    ///   - size: In bytes.
    public init(_ name: String, offset: Int, size: Int) {
      field = Field(name: name, offset: offset, size: size)
    }
  }

  /// The C struct's tag, or the Swift type's name where ``isScalar``.
  public let name: String
  /// In bytes.
  public let size: Int
  /// Every field of the struct; padding that has a name is a field.
  public let fields: [Field]
  /// A number or another type without fields: only the size is compared.
  public let isScalar: Bool

  /// The layout of a struct.
  ///
  /// - Parameters:
  ///   - name: The C struct's tag.
  ///   - type: The Swift type.
  ///   - fields: Every field, padding fields included.
  public init<Root>(_ name: String, of type: Root.Type, fields: [Member<Root>]) {
    self.name = name
    self.size = MemoryLayout<Root>.size
    self.fields = fields.map(\.field)
    self.isScalar = false
  }

  /// The layout of a type whose fields are nobody's business: only the size is compared, and a C struct in its place is
  /// refused.
  public init<Scalar>(scalar type: Scalar.Type) {
    self.name = "\(type)"
    self.size = MemoryLayout<Scalar>.size
    self.fields = []
    self.isScalar = true
  }
}
