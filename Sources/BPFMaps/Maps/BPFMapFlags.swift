// SPDX-License-Identifier: Apache-2.0

/// How a map is made. `BPF_F_*`
public struct BPFMapFlags: OptionSet, Sendable, Hashable {
  /// The kernel's bits.
  public let rawValue: UInt32

  /// Takes the kernel's bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Entries of a hash take memory when they are made; tries and storage are always like this. `BPF_F_NO_PREALLOC`
  public static let noPreallocation = BPFMapFlags(rawValue: 1 << 0)
  /// An LRU hash with a list of its own for each CPU. `BPF_F_NO_COMMON_LRU`
  public static let noCommonLRU = BPFMapFlags(rawValue: 1 << 1)
  /// User space may only read, by the descriptor that the map is made with; another one has no such limit.
  /// `BPF_F_RDONLY`
  public static let readOnly = BPFMapFlags(rawValue: 1 << 3)
  /// User space may only write, by the descriptor that the map is made with. `BPF_F_WRONLY`
  public static let writeOnly = BPFMapFlags(rawValue: 1 << 4)
  /// A hash whose order is the same in each run: for tests. `BPF_F_ZERO_SEED`
  public static let zeroSeed = BPFMapFlags(rawValue: 1 << 6)
  /// Programs may only read. `BPF_F_RDONLY_PROG`
  public static let readOnlyForPrograms = BPFMapFlags(rawValue: 1 << 7)
  /// Programs may only write. `BPF_F_WRONLY_PROG`
  public static let writeOnlyForPrograms = BPFMapFlags(rawValue: 1 << 8)
  /// An array that user space can map into its memory: ``BPFArrayMap/mapped(for:)``. `BPF_F_MMAPABLE`
  public static let mappable = BPFMapFlags(rawValue: 1 << 10)
  /// An array that may replace one of another size in a map of maps. `BPF_F_INNER_MAP`, Linux 5.10
  public static let inner = BPFMapFlags(rawValue: 1 << 12)
}

extension BPFMapInfo {
  /// How the map was made; ``BPFMapFlags/readOnly`` and ``BPFMapFlags/writeOnly`` are not kept.
  public var creationFlags: BPFMapFlags { BPFMapFlags(rawValue: flags) }
}
