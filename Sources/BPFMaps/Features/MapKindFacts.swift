// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// What is known of a kind of map without asking the kernel, and what the smallest map of it looks like.
struct MapKindFacts {
  var name: String
  var kernel: KernelVersion
  var keySize: UInt32 = 4
  var valueSize: UInt32 = 4
  var entries: UInt32 = 1
  var flags: UInt32 = 0
  /// Local storage describes its key and value, or is refused.
  var needsTypes = false
  /// Maps of maps are made for a map like those they will hold.
  var needsInnerMap = false
  /// How the kernel refuses a value of its own type number 1, if it knows a kind whose values are of its types.
  var refusal: CInt?

  static func name(of kind: BPFMapKind) -> String { all[kind.rawValue]?.name ?? "\(kind)" }

  static func minimumKernel(of kind: BPFMapKind) -> KernelVersion? { all[kind.rawValue]?.kernel }

  private static let noPreallocation: UInt32 = 1
  private static let mappable: UInt32 = 1 << 10

  static let all: [UInt32: MapKindFacts] = [
    1: .init(name: "hash", kernel: KernelVersion(3, 19)),
    2: .init(name: "array", kernel: KernelVersion(3, 19)),
    3: .init(name: "program array", kernel: KernelVersion(4, 2)),
    4: .init(name: "perf event array", kernel: KernelVersion(4, 3)),
    5: .init(name: "per-CPU hash", kernel: KernelVersion(4, 6)),
    6: .init(name: "per-CPU array", kernel: KernelVersion(4, 6)),
    7: .init(name: "stack trace", kernel: KernelVersion(4, 6), valueSize: 8),
    8: .init(name: "cgroup array", kernel: KernelVersion(4, 8)),
    9: .init(name: "LRU hash", kernel: KernelVersion(4, 10)),
    10: .init(name: "LRU per-CPU hash", kernel: KernelVersion(4, 10)),
    11: .init(name: "LPM trie", kernel: KernelVersion(4, 11), keySize: 8, flags: noPreallocation),
    12: .init(name: "array of maps", kernel: KernelVersion(4, 12), needsInnerMap: true),
    13: .init(name: "hash of maps", kernel: KernelVersion(4, 12), needsInnerMap: true),
    14: .init(name: "device map", kernel: KernelVersion(4, 14)),
    15: .init(name: "socket map", kernel: KernelVersion(4, 14)),
    16: .init(name: "CPU map", kernel: KernelVersion(4, 15)),
    17: .init(name: "XDP socket map", kernel: KernelVersion(4, 18)),
    18: .init(name: "socket hash", kernel: KernelVersion(4, 18)),
    19: .init(name: "cgroup storage", kernel: KernelVersion(4, 19), keySize: 16, entries: 0),
    20: .init(name: "reuseport socket array", kernel: KernelVersion(4, 19)),
    21: .init(name: "per-CPU cgroup storage", kernel: KernelVersion(4, 20), keySize: 16, entries: 0),
    22: .init(name: "queue", kernel: KernelVersion(4, 20), keySize: 0),
    23: .init(name: "stack", kernel: KernelVersion(4, 20), keySize: 0),
    24: storage("socket storage", KernelVersion(5, 2)),
    25: .init(name: "device hash", kernel: KernelVersion(5, 4)),
    26: .init(name: "struct_ops", kernel: KernelVersion(5, 6), refusal: -524),
    27: .init(name: "ring buffer", kernel: KernelVersion(5, 8), keySize: 0, valueSize: 0, entries: 65536),
    28: storage("inode storage", KernelVersion(5, 10)),
    29: storage("task storage", KernelVersion(5, 11)),
    30: .init(name: "bloom filter", kernel: KernelVersion(5, 16), keySize: 0),
    31: .init(name: "user ring buffer", kernel: KernelVersion(6, 1), keySize: 0, valueSize: 0, entries: 65536),
    32: storage("control group storage", KernelVersion(6, 2)),
    33: .init(
      name: "arena", kernel: KernelVersion(6, 9), keySize: 0, valueSize: 0, entries: 1, flags: mappable),
  ]

  private static func storage(_ name: String, _ kernel: KernelVersion) -> MapKindFacts {
    MapKindFacts(name: name, kernel: kernel, entries: 0, flags: noPreallocation, needsTypes: true)
  }
}
