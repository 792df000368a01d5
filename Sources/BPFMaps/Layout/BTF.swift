// SPDX-License-Identifier: Apache-2.0

/// BTF, the type description that objects, maps, programs and kernels carry, decoded.
///
/// Decoding is total: malformed bytes are an error that names the offset. Types are then looked at one by one, so that
/// a kernel's hundred thousand cost no more than the bytes they are in.
///
/// ```swift
/// let kernel = try BTF.vmlinux()
/// print(kernel.types(named: "sk_buff").first?.definition ?? "")
/// ```
public struct BTF: Sendable {
  /// What a type's record says before what depends on its kind.
  struct Entry {
    var kind: RecordKind
    var name: String
    /// Meaning depends on the kind: bit-fields, unions, signed enumerations.
    var flag: Bool
    /// Members, parameters, enumerators or variables.
    var count: Int
    /// Size in bytes, or the type referred to.
    var sizeOrType: UInt32
    /// Where what depends on the kind begins, in the storage's bytes.
    var details: Int
  }

  /// The format's numbers. `BTF_KIND_*`
  enum RecordKind: UInt32 {
    case void = 0
    case integer, pointer, array, structure, union, enumeration, forward, typedef, volatile, const, restrict
    case function, functionPrototype, variable, section, float, declarationTag, typeTag, enumeration64
  }

  let storage: BTFStorage

  /// Decodes a `.BTF` section, or what `/sys/kernel/btf` has.
  ///
  /// - Parameters:
  ///   - bytes: The section, header included.
  ///   - base: For a kernel module's types, which continue the kernel's: the kernel's.
  /// - Throws: `malformedObject`, with the offset.
  public init(decoding bytes: [UInt8], base: BTF? = nil) throws(BPFError) {
    storage = try BTFStorage(bytes, base: base?.storage)
  }

  /// Decodes a `.BTF` section; nil: malformed.
  init?(_ bytes: [UInt8]) {
    guard let storage = try? BTFStorage(bytes, base: nil) else { return nil }
    self.storage = storage
  }

  /// How many types there are: identifiers are below it, and 0 is void.
  public var count: UInt32 { UInt32(storage.count) }

  /// The type with an identifier; nil: there is none.
  public subscript(identifier: UInt32) -> BTFType? {
    identifier < count ? BTFType(types: self, identifier: identifier) : nil
  }

  /// Every type, void first.
  public var types: some Sequence<BTFType> {
    (0..<count).lazy.map { BTFType(types: self, identifier: $0) }
  }

  /// The types of that name, such as a struct and a typedef.
  ///
  /// - Parameter name: Without `struct` and the like.
  /// - Returns: The types, in the order of their identifiers.
  public func types(named name: String) -> [BTFType] {
    guard !name.isEmpty else { return [] }
    let wanted = Array(name.utf8)
    return (1..<max(count, 1)).filter { storage.isNamed(wanted, $0) }.map { BTFType(types: self, identifier: $0) }
  }

  /// The functions it describes, in the order of their identifiers.
  public var functions: [BTFType] {
    (1..<max(count, 1)).filter { storage.kind($0) == .function }.map { BTFType(types: self, identifier: $0) }
  }

  func entry(_ identifier: UInt32) -> Entry? { storage.entry(identifier) }
}
