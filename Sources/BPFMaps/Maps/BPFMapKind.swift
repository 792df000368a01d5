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
  /// An array whose values are maps. `BPF_MAP_TYPE_ARRAY_OF_MAPS`
  public static let arrayOfMaps = BPFMapKind(rawValue: 12)
  /// A hash table whose values are maps. `BPF_MAP_TYPE_HASH_OF_MAPS`
  public static let hashOfMaps = BPFMapKind(rawValue: 13)
  /// Values that belong to a control group and an attachment. `BPF_MAP_TYPE_CGROUP_STORAGE`
  public static let attachedCgroupStorage = BPFMapKind(rawValue: 19)
  /// First in, first out. `BPF_MAP_TYPE_QUEUE`
  public static let queue = BPFMapKind(rawValue: 22)
  /// Last in, first out. `BPF_MAP_TYPE_STACK`
  public static let stack = BPFMapKind(rawValue: 23)
  /// Values that belong to sockets. `BPF_MAP_TYPE_SK_STORAGE`
  public static let socketStorage = BPFMapKind(rawValue: 24)
  /// A ring buffer of records. `BPF_MAP_TYPE_RINGBUF`
  public static let ringBuffer = BPFMapKind(rawValue: 27)
  /// A set that may say yes to what it never got. `BPF_MAP_TYPE_BLOOM_FILTER`
  public static let bloomFilter = BPFMapKind(rawValue: 30)
  /// Values that belong to control groups. `BPF_MAP_TYPE_CGRP_STORAGE`, Linux 6.2
  public static let cgroupStorage = BPFMapKind(rawValue: 32)

  private static let names: [UInt32: String] = [
    1: "hash", 2: "array", 3: "program array", 4: "perf event array", 5: "per-CPU hash", 6: "per-CPU array",
    7: "stack trace", 8: "cgroup array", 9: "LRU hash", 10: "LRU per-CPU hash", 11: "LPM trie", 12: "array of maps",
    13: "hash of maps", 14: "device map", 15: "socket map", 16: "CPU map", 17: "XSK map", 18: "socket hash",
    19: "attached cgroup storage", 20: "reuseport socket array", 21: "per-CPU attached cgroup storage", 22: "queue",
    23: "stack", 24: "socket storage", 25: "device hash", 26: "struct_ops", 27: "ring buffer", 28: "inode storage",
    29: "task storage", 30: "bloom filter", 31: "user ring buffer", 32: "cgroup storage", 33: "arena",
  ]

  /// The kind's name, or its number.
  public var description: String { Self.names[rawValue] ?? "map type \(rawValue)" }
}

extension BPFMapKind {
  /// A value for each possible CPU at each key.
  var isPerCPU: Bool { rawValue == 5 || rawValue == 6 || rawValue == 10 || rawValue == 21 }
  /// Keys are indexes below the map's size.
  var isArray: Bool { [2, 3, 4, 6, 8, 12, 14, 15, 16, 17, 20].contains(rawValue) }
  /// Keys are descriptors of what the values belong to: sockets, inodes, tasks, control groups.
  var isKeyedByDescriptor: Bool { [24, 28, 29, 32].contains(rawValue) }
  /// Values are sockets.
  var holdsSockets: Bool { rawValue == 15 || rawValue == 18 || rawValue == 20 }
  /// The order in which the kernel hands out keys is that of the keys themselves.
  var order: KeyOrder? {
    switch self {
    case .lpmTrie: .prefix
    case .array, .perCPUArray, .arrayOfMaps, .programArray: .index
    default: nil
    }
  }
  /// Dropped when full, so that it never is.
  var isLRU: Bool { self == .lruHash || self == .lruPerCPUHash }
}
