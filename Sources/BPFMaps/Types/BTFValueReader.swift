// SPDX-License-Identifier: Apache-2.0

/// Reads many values of one type: what names and typedefs say of it is looked up once.
///
/// ```swift
/// let reader = try BTFValueReader(type)
/// for entry in try map.entries() { print(try reader.value(of: entry.key)) }
/// ```
public struct BTFValueReader: Sendable {
  /// What it reads.
  public let type: BTFType
  /// In bytes.
  public let size: Int
  private let plan: BTFValuePlan

  /// Prepares to read values of a type.
  ///
  /// - Parameters:
  ///   - type: Any type that has a size.
  ///   - name: What holds the value, such as a member's name: it tells addresses from numbers.
  /// - Throws: `malformedObject` for a type without size or end.
  public init(_ type: BTFType, named name: String = "") throws(BPFError) {
    guard let size = type.size else {
      throw BPFError(.malformedObject, "read values of type \(type): it has no size")
    }
    self.type = type
    self.size = size
    var planner = BTFValuePlanner()
    plan = try planner.plan(type, name: name, depth: 0)
  }

  /// Reads a value.
  ///
  /// - Parameter bytes: The value as it lies in memory; bytes beyond ``size`` are not looked at.
  /// - Returns: The value.
  /// - Throws: `layoutMismatch` for fewer bytes; `malformedObject` for an array that is too long to be real.
  public func value(of bytes: [UInt8]) throws(BPFError) -> BTFDatum {
    guard bytes.count >= size else {
      throw BPFError(
        .layoutMismatch, "read a value of type \(type): it has \(size) bytes, but there are \(bytes.count)")
    }
    var budget = 1 << 22
    return try plan.read(bytes, atBit: 0, &budget)
  }
}

extension BTFType {
  /// Reads one value of this type; for many, make a ``BTFValueReader``.
  ///
  /// - Parameters:
  ///   - bytes: The value as it lies in memory; bytes beyond ``size`` are not looked at.
  ///   - name: What holds it, such as a member's name: it tells addresses from numbers.
  /// - Returns: The value.
  /// - Throws: `layoutMismatch` for fewer bytes than the type has; `malformedObject` for a type without size or end.
  public func value(of bytes: [UInt8], named name: String = "") throws(BPFError) -> BTFDatum {
    try BTFValueReader(self, named: name).value(of: bytes)
  }
}
