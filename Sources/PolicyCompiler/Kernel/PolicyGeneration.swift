// SPDX-License-Identifier: Apache-2.0

/// Generations go on counting; 0 is that of a node where nothing was published yet.
package enum PolicyGeneration {
  /// The number after a generation's.
  ///
  /// After 2^32 of them it begins again. At one grace period each, of milliseconds, that is after a year; no flow of then is
  /// left to take the number for its own.
  package static func after(_ generation: UInt32) -> UInt32 {
    generation == .max ? 1 : generation + 1
  }
}
