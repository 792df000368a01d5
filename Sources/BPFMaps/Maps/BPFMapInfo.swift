// SPDX-License-Identifier: Apache-2.0

/// What the kernel says of a map. `struct bpf_map_info`
public struct BPFMapInfo: Sendable, Hashable {
  /// The name; the kernel keeps 15 bytes of it.
  public var name: String
  /// The kernel's identifier, as `bpftool map` shows it.
  public var identifier: UInt32
  /// What kind of map it is.
  public var kind: BPFMapKind
  /// In bytes.
  public var keySize: Int
  /// In bytes; for per-CPU maps, of one CPU's value.
  public var valueSize: Int
  /// How many entries it may hold; for a ring buffer, its bytes.
  public var maximumEntryCount: UInt32
  /// The kernel's `BPF_F_*` of the map's creation.
  public var flags: UInt32
  var btf: UInt32 = 0
  var keyType: UInt32 = 0
  var valueType: UInt32 = 0
}
