// SPDX-License-Identifier: Apache-2.0

/// A type whose bytes cross the kernel border as they are: a map's key or value, a ring buffer's record.
///
/// Fixed-width integers conform. C structs of a shared header conform by naming their fields (``StructLayout``), and
/// are then compared with the object's own description when it is opened.
///
/// Maps ask for `BPFValue & BitwiseCopyable`. The protocol itself cannot refine `BitwiseCopyable`: the compiler knows
/// that C structs are, but lets no module outside theirs say so.
///
/// A key must have no unnamed padding: its bytes are compared by the kernel, and nothing defines those of padding.
public protocol BPFValue: Sendable {
  /// The C struct's name and fields.
  static var layout: StructLayout { get }
}

extension BPFValue {
  /// The layout, which must be this type's own: the kernel reads and writes as many bytes as it says.
  static var ownLayout: StructLayout {
    let layout = layout
    precondition(
      layout.size == MemoryLayout<Self>.size, "the layout of \(Self.self) was made of a type of another size")
    return layout
  }
}

extension BPFValue where Self: FixedWidthInteger {
  /// A number of the same size.
  public static var layout: StructLayout { StructLayout(scalar: Self.self) }
}

extension UInt8: BPFValue {}
extension UInt16: BPFValue {}
extension UInt32: BPFValue {}
extension UInt64: BPFValue {}
extension Int8: BPFValue {}
extension Int16: BPFValue {}
extension Int32: BPFValue {}
extension Int64: BPFValue {}
