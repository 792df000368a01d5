// SPDX-License-Identifier: Apache-2.0

/// What kind of map it is, by the kernel's numbers. `enum bpf_map_type`
public struct BPFMapKind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// A kind by the kernel's number; unknown numbers are kept.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A hash table. `BPF_MAP_TYPE_HASH`
  public static let hash = BPFMapKind(rawValue: 1)
  /// An array. `BPF_MAP_TYPE_ARRAY`
  public static let array = BPFMapKind(rawValue: 2)
  /// Programs to tail-call. `BPF_MAP_TYPE_PROG_ARRAY`
  public static let programArray = BPFMapKind(rawValue: 3)
  /// A hash table with a value per CPU. `BPF_MAP_TYPE_PERCPU_HASH`
  public static let perCPUHash = BPFMapKind(rawValue: 5)
  /// An array with a value per CPU. `BPF_MAP_TYPE_PERCPU_ARRAY`
  public static let perCPUArray = BPFMapKind(rawValue: 6)
  /// A hash table that drops what was used least recently. `BPF_MAP_TYPE_LRU_HASH`
  public static let lruHash = BPFMapKind(rawValue: 9)
  /// The same with a value per CPU. `BPF_MAP_TYPE_LRU_PERCPU_HASH`
  public static let lruPerCPUHash = BPFMapKind(rawValue: 10)
  /// A trie by longest prefix. `BPF_MAP_TYPE_LPM_TRIE`
  public static let lpmTrie = BPFMapKind(rawValue: 11)
  /// Values that belong to sockets. `BPF_MAP_TYPE_SK_STORAGE`
  public static let socketStorage = BPFMapKind(rawValue: 24)
  /// A ring buffer of records. `BPF_MAP_TYPE_RINGBUF`
  public static let ringBuffer = BPFMapKind(rawValue: 27)

  private static let names: [UInt32: String] = [
    1: "hash", 2: "array", 3: "program array", 5: "per-CPU hash", 6: "per-CPU array", 9: "LRU hash",
    10: "LRU per-CPU hash", 11: "LPM trie", 12: "array of maps", 13: "hash of maps", 19: "cgroup storage",
    22: "queue", 23: "stack", 24: "socket storage", 27: "ring buffer", 30: "bloom filter",
  ]

  /// The kind's name, or its number.
  public var description: String { Self.names[rawValue] ?? "map type \(rawValue)" }
}
