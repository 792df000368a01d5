// SPDX-License-Identifier: Apache-2.0

/// Some flags of many: which are on, which are off, and which are not spoken of.
///
/// ```swift
/// var settings = VLANSettings()
/// settings.flags[.gvrp] = true  // The others stay as they are.
/// ```
public struct MaskedFlags<Flags: OptionSet & Sendable & Hashable>: Sendable, Hashable
where Flags.Element == Flags, Flags.RawValue: FixedWidthInteger & BitwiseCopyable & Sendable {
  /// The flags that are on.
  public var values: Flags
  /// The flags that are spoken of.
  ///
  /// The kernel speaks of every flag that it has, and sometimes of every bit there is.
  public var mask: Flags

  /// Speaks of these flags.
  ///
  /// - Parameters:
  ///   - on: those to be on.
  ///   - off: those to be off.
  public init(on: Flags = [], off: Flags = []) {
    values = on
    mask = on.union(off)
  }

  /// Whether `flag` is on; nil when it is not spoken of.
  public subscript(flag: Flags) -> Bool? {
    get { mask.isSuperset(of: flag) ? values.isSuperset(of: flag) : nil }
    set {
      values.subtract(flag)
      mask.subtract(flag)
      guard let newValue else { return }
      mask.formUnion(flag)
      if newValue { values.formUnion(flag) }
    }
  }

  /// Whether no flag is spoken of.
  public var isEmpty: Bool { mask.isEmpty && values.isEmpty }

  /// Reads a struct of two words, values and then mask; flags that it does not speak of stay.
  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    let (values, mask): (Flags.RawValue, Flags.RawValue) = try datagram.pair(attribute)
    self.values.subtract(Flags(rawValue: mask))
    self.values.formUnion(Flags(rawValue: values))
    self.mask.formUnion(Flags(rawValue: mask))
  }

  /// Writes a struct of two words, unless no flag is spoken of.
  ///
  /// - Parameters:
  ///   - type: the attribute.
  ///   - known: the bits that may be in the mask of a request; the kernel refuses others. nil in a reply.
  ///   - writer: where to.
  func encode(_ type: Int, known: Flags?, into writer: MessageWriter) {
    let mask = known.map(self.mask.intersection) ?? self.mask
    let values = known.map(self.values.intersection) ?? self.values
    guard !(mask.isEmpty && values.isEmpty) else { return }
    writer.put(type, values: [values.rawValue, mask.rawValue])
  }
}
