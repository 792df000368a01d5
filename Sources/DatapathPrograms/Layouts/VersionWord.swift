// SPDX-License-Identifier: Apache-2.0

public import CDatapathABI

extension version_word {
  /// A word that says the same in every generation.
  ///
  /// - Parameter value: The value, at most 24 bits.
  public init(_ value: UInt32) { self.init(before: value, after: value, since: 0) }

  /// A word that changes with a generation.
  ///
  /// - Parameters:
  ///   - before: The value in the generations before `since`, at most 24 bits.
  ///   - after: The value from generation `since` on, at most 24 bits.
  ///   - since: The generation. The word is to be settled (both values equal) before 2^15 more have passed.
  /// - Requires: Values of at most 24 bits: a wider one is a bug and traps.
  public init(before: UInt32, after: UInt32, since: UInt32) {
    precondition(before <= VERSION_VALUE_MASK && after <= VERSION_VALUE_MASK, "a version word's values have 24 bits")
    self.init(
      value: UInt64(after) | UInt64(before) << UInt64(VERSION_BEFORE_SHIFT)
        | UInt64(since & 0xffff) << UInt64(VERSION_SINCE_SHIFT))
  }

  /// What a program that judges by a generation reads.
  ///
  /// - Parameter generation: The generation.
  /// - Returns: The value.
  public func value(in generation: UInt32) -> UInt32 {
    let since = UInt16(truncatingIfNeeded: value >> UInt64(VERSION_SINCE_SHIFT))
    let isAfter = Int16(bitPattern: UInt16(truncatingIfNeeded: generation) &- since) >= 0
    return UInt32(truncatingIfNeeded: isAfter ? value : value >> UInt64(VERSION_BEFORE_SHIFT)) & VERSION_VALUE_MASK
  }
}
