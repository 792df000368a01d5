// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A trie's key that is an address block.
///
/// With it a trie is used by the types of `NetworkTypes`:
///
/// ```swift
/// let routes = try object.map("route", as: BPFLPMTrie<IPv4PrefixKey, next_hop>.self)
/// try routes.updateValue(gateway, for: IPv4CIDR("10.0.0.0/8"))
/// let next = try routes.value(matching: IPv4Address(10, 1, 2, 3))
/// ```
public protocol BPFPrefixKey: BPFValue, BitwiseCopyable, Hashable {
  /// What is looked up.
  associatedtype Address
  /// What is written and removed.
  associatedtype Block

  /// The key of a block; its host bits are cleared, so that equal blocks have equal keys.
  init(_ block: Block)
  /// The key of one address, at full length.
  init(matching address: Address)
  /// The block, without host bits that a program may have written.
  var block: Block { get }
}

/// The key of an IPv4 trie: `struct { __u32 prefix_length; __be32 address; }`, whatever the struct and fields are called.
///
/// `BPF_MAP_TYPE_LPM_TRIE`, `struct bpf_lpm_trie_key`
@frozen
public struct IPv4PrefixKey: BPFPrefixKey {
  /// In bits.
  public let prefixLength: UInt32
  /// In network order.
  public let address: UInt32

  /// The key of a block; its host bits are cleared.
  @inlinable
  public init(_ block: IPv4CIDR) {
    prefixLength = UInt32(truncatingIfNeeded: block.prefixLength)
    address = block.first.networkOrder
  }

  /// The key of one address, /32.
  @inlinable
  public init(matching address: IPv4Address) {
    prefixLength = 32
    self.address = address.networkOrder
  }

  /// The block; a length beyond 32 bits, which the kernel does not let in, is taken as 32.
  public var block: IPv4CIDR {
    let address = IPv4Address(networkOrder: address)
    guard let block = IPv4CIDR(address: address, prefixLength: Int(min(prefixLength, 32))) else {
      preconditionFailure("a length of at most 32 bits was refused")
    }
    return block.masked
  }

  /// Prefix length and address.
  public static let layout = StructLayout(
    "ipv4_prefix_key", of: Self.self,
    fields: [.init("prefix_length", \.prefixLength), .init("address", \.address)])
}

/// The key of an IPv6 trie: a 32-bit prefix length and 16 bytes of address, whatever the struct and fields are called.
///
/// `BPF_MAP_TYPE_LPM_TRIE`, `struct bpf_lpm_trie_key`
@frozen
public struct IPv6PrefixKey: BPFPrefixKey {
  /// In bits.
  public let prefixLength: UInt32
  // Four words, as the kernel's key is aligned to 4 bytes.
  @usableFromInline let words: (UInt32, UInt32, UInt32, UInt32)

  @inlinable
  init(_ address: IPv6Address, _ prefixLength: UInt32) {
    self.prefixLength = prefixLength
    words = (
      UInt32(truncatingIfNeeded: address.high >> 32).bigEndian, UInt32(truncatingIfNeeded: address.high).bigEndian,
      UInt32(truncatingIfNeeded: address.low >> 32).bigEndian, UInt32(truncatingIfNeeded: address.low).bigEndian
    )
  }

  /// The key of a block; its host bits are cleared.
  @inlinable
  public init(_ block: IPv6CIDR) { self.init(block.first, UInt32(truncatingIfNeeded: block.prefixLength)) }

  /// The key of one address, /128.
  @inlinable
  public init(matching address: IPv6Address) { self.init(address, 128) }

  /// The address.
  public var address: IPv6Address {
    IPv6Address(
      high: UInt64(UInt32(bigEndian: words.0)) << 32 | UInt64(UInt32(bigEndian: words.1)),
      low: UInt64(UInt32(bigEndian: words.2)) << 32 | UInt64(UInt32(bigEndian: words.3)))
  }

  /// The block; a length beyond 128 bits, which the kernel does not let in, is taken as 128.
  public var block: IPv6CIDR {
    guard let block = IPv6CIDR(address: address, prefixLength: Int(min(prefixLength, 128))) else {
      preconditionFailure("a length of at most 128 bits was refused")
    }
    return block.masked
  }

  /// Whether length and address are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.prefixLength == right.prefixLength && left.words == right.words
  }

  /// Combines length and address.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(prefixLength)
    hasher.combine(address)
  }

  /// Prefix length and address.
  public static let layout = StructLayout(
    "ipv6_prefix_key", of: Self.self,
    fields: [.init("prefix_length", \.prefixLength), .init("address", offset: 4, size: 16)])
}

extension BPFLPMTrie where Key: BPFPrefixKey {
  /// The value of the longest block that contains an address; nil: none does.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(matching address: Key.Address) throws(BPFError) -> Value? {
    try handle.lookUp(Key(matching: address), as: Value.self)
  }

  /// Writes the entry of exactly this block.
  ///
  /// - Throws: `full`; `alreadyExists` with ``BPFUpdateMode/new``; `notFound` with ``BPFUpdateMode/existing``.
  ///   `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func updateValue(_ value: Value, for block: Key.Block, mode: BPFUpdateMode = .any) throws(BPFError) {
    try handle.update(Key(block), value, mode)
  }

  /// Removes the entry of exactly this block; false: there was none.
  ///
  /// - Throws: `systemCall`. Absence is not an error. `BPF_MAP_DELETE_ELEM`
  @inlinable @discardableResult
  public borrowing func removeValue(for block: Key.Block) throws(BPFError) -> Bool {
    try handle.remove(Key(block))
  }
}
