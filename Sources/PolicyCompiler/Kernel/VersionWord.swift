// SPDX-License-Identifier: Apache-2.0

/// A value for the generation in force and one for the next: `struct version_word`.
package struct VersionWord: Hashable, Sendable {
  /// The word as the kernel has it.
  package let rawValue: UInt64

  /// The most that a word can hold: 24 bits.
  package static let maximumValue: UInt32 = 0xff_ffff

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A word that says the same in every generation.
  package init(settled value: UInt32) {
    self.init(from: value, to: value, since: 0)
  }

  /// A word that says something else from a generation on.
  package init(from before: UInt32, to value: UInt32, since generation: UInt32) {
    rawValue =
      UInt64(value & Self.maximumValue) | UInt64(before & Self.maximumValue) << 24 | UInt64(generation & 0xffff) << 48
  }

  /// What it says from its generation on.
  package var newer: UInt32 { UInt32(truncatingIfNeeded: rawValue) & Self.maximumValue }
  /// What it says before.
  package var older: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 24) & Self.maximumValue }
  /// Whether it says the same in every generation.
  package var isSettled: Bool { newer == older }

  /// What a program reads in a generation.
  package func value(in generation: UInt32) -> UInt32 {
    let since = UInt16(truncatingIfNeeded: rawValue >> 48)
    return Int16(bitPattern: UInt16(truncatingIfNeeded: generation) &- since) >= 0 ? newer : older
  }
}

/// Generations go on counting; 0 is that of a node where nothing was published yet.
package enum PolicyGeneration {
  /// The number after a generation's.
  ///
  /// After 2^32 of them it begins again. At one grace period each, of milliseconds, that is after years; no flow of then is
  /// left to take the number for its own.
  package static func after(_ generation: UInt32) -> UInt32 {
    generation == .max ? 1 : generation + 1
  }
}
