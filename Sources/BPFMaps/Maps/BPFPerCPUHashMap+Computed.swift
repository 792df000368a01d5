// SPDX-License-Identifier: Apache-2.0

extension BPFPerCPUHashMap {
  /// Writes an entry, value by value, without an array.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - mode: Whether it may create or replace.
  ///   - value: The value of a CPU, by its number.
  /// - Throws: `full`; `alreadyExists`; `notFound`; `notSupported` where /sys does not say how many CPUs there are.
  @inlinable
  public borrowing func updateValues(
    forKey key: Key, mode: BPFUpdateMode = .any, _ value: (Int) -> Value
  ) throws(BPFError) {
    try handle.updateSlots(key, count: handle.slotCount, mode, value)
  }
}
