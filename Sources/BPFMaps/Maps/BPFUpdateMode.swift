// SPDX-License-Identifier: Apache-2.0

/// Whether an update may create an entry, replace one, or both.
public struct BPFUpdateMode: Sendable, Hashable {
  @usableFromInline let rawValue: UInt64

  /// Create or replace. `BPF_ANY`
  public static let any = BPFUpdateMode(rawValue: 0)
  /// Create only; a key that exists is an `alreadyExists` error. `BPF_NOEXIST`
  public static let new = BPFUpdateMode(rawValue: 1)
  /// Replace only; a key that does not exist is a `notFound` error. `BPF_EXIST`
  public static let existing = BPFUpdateMode(rawValue: 2)
}
