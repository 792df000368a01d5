// SPDX-License-Identifier: Apache-2.0

/// A type that can say how its bytes lie: a C struct of a shared header, or a fixed-width integer.
///
/// C structs conform by naming their fields (``StructLayout``), and are then compared with the object's own description
/// when it is opened.
///
/// The protocol does not inherit `BitwiseCopyable`, which an imported struct has by itself: a conformance that implies it
/// makes the compiler (6.3.1) reject the struct or not, depending on the order of the files ("conformance to
/// 'BitwiseCopyable' must occur in the same module").
public protocol BPFDescribed: Sendable {
  /// The C struct's name and fields.
  static var layout: StructLayout { get }
}

/// A type whose bytes cross the kernel border as they are: a map's key or value, a ring buffer's record.
///
/// A key must have no unnamed padding: its bytes are compared by the kernel, and nothing defines those of padding.
public typealias BPFValue = BPFDescribed & BitwiseCopyable

extension BPFDescribed where Self: FixedWidthInteger {
  /// A number of the same size.
  public static var layout: StructLayout { StructLayout(scalar: Self.self) }
}

extension UInt8: BPFDescribed {}
extension UInt16: BPFDescribed {}
extension UInt32: BPFDescribed {}
extension UInt64: BPFDescribed {}
extension Int8: BPFDescribed {}
extension Int16: BPFDescribed {}
extension Int32: BPFDescribed {}
extension Int64: BPFDescribed {}
