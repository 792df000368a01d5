// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What kind of filter it is, with the settings of that kind: to make one, and as read back.
public enum FilterSettings: Sendable, Hashable {
  /// A BPF program.
  case bpf(BPF)
  /// Every packet.
  case matchall
  /// Packets with certain bits at certain places.
  case u32(U32)
  /// A kind that this module has no settings for, by the kernel's name for it, such as `flower`.
  ///
  /// Its options are the whole attribute `TCA_OPTIONS`, if there is one; class, actions and flags are in it.
  case other(String, options: RawAttributes = RawAttributes())

  /// The kernel's name of the kind (`TCA_KIND`).
  public var name: String {
    switch self {
    case .bpf: "bpf"
    case .matchall: "matchall"
    case .u32: "u32"
    case .other(let name, _): name
    }
  }

  /// A BPF program that filters (`TCA_BPF_...`).
  public struct BPF: Sendable, Hashable {
    /// A descriptor of the loaded program (`BPF_PROG_TYPE_SCHED_CLS`); nil of one that was read back.
    ///
    /// Only borrowed: keep it open until the call that takes this value returned.
    public var descriptor: CInt?
    /// The name it is listed under, up to 255 bytes; nil when it was attached without.
    public var name: String?
    /// Whether its return value decides what becomes of the packet.
    public var isDirectAction: Bool
    /// The kernel's number for it, as `bpftool prog` lists it; not sent.
    public var identifier: UInt32 = 0
    /// Eight bytes that tell programs with different instructions apart; not sent.
    public var tag: [UInt8] = []
    /// Flags that are not known here.
    var otherFlags: UInt32 = 0

    /// Describes a program.
    ///
    /// - Parameters:
    ///   - descriptor: a descriptor of the loaded program (`BPF_PROG_TYPE_SCHED_CLS`).
    ///   - name: the name it is listed under, up to 255 bytes.
    ///   - isDirectAction: whether its return value decides what becomes of the packet.
    public init(descriptor: CInt, name: String?, isDirectAction: Bool = true) {
      self.descriptor = descriptor
      self.name = name
      self.isDirectAction = isDirectAction
    }

    init() { isDirectAction = false }
  }

  /// Keys to compare packets with (`TCA_U32_...`).
  ///
  /// Of hash tables only so much as `tc filter add ... u32 match ...` takes is typed: the kernel puts the filter into
  /// table 800: of the priority. A table itself is listed as a filter too, with a ``divisor`` and no keys.
  public struct U32: Sendable, Hashable {
    /// 32 bits to compare.
    public struct Key: Sendable, Hashable {
      /// What they must be, in the order of the packet.
      public var value: UInt32
      /// Which of them count.
      public var mask: UInt32
      /// Where they are, in bytes from the network header; a multiple of four.
      public var offset: Int32
      /// Which bits of the place that ``Selector/offsetShift`` and its like compute are added: 0 for none, −1 for all
      /// (`nexthdr+`).
      public var offsetMask: Int32

      /// Describes a key.
      ///
      /// - Parameters:
      ///   - value: what the bits must be, in the order of the packet.
      ///   - mask: which of them count.
      ///   - offset: where they are, in bytes from the network header; a multiple of four.
      ///   - offsetMask: 0 to count from the network header, −1 from the header that was found.
      public init(_ value: UInt32, mask: UInt32 = .max, at offset: Int32, offsetMask: Int32 = 0) {
        self.value = value
        self.mask = mask
        self.offset = offset
        self.offsetMask = offsetMask
      }
    }

    /// The fixed part of `struct tc_u32_sel`.
    public struct Selector: Sendable, Hashable {
      /// `TC_U32_TERMINAL` (1): a match ends the search; `TC_U32_OFFSET` (2), `TC_U32_VAROFFSET` (4), `TC_U32_EAT` (8).
      public var flags: UInt8 = 0
      /// By how many bits a place read from the packet is shifted down.
      public var offsetShift: UInt8 = 0
      /// Which bits of that place count, as 16 bits of the packet.
      public var offsetMask: UInt16 = 0
      /// What is added to it, in bytes.
      public var offset: UInt16 = 0
      /// Where it is read, in bytes.
      public var offsetPlace: Int16 = 0
      /// Where the bits for a hash are read, in bytes.
      public var hashPlace: Int16 = 0
      /// Which bits are hashed, as 32 bits of the packet.
      public var hashMask: UInt32 = 0

      /// Describes a selector that does nothing but compare.
      public init(isTerminal: Bool = false) { flags = isTerminal ? 1 : 0 }
    }

    /// What packets are compared with; nil of a hash table.
    ///
    /// All must match.
    public var keys: [Key]?
    /// How the search goes on; nil for what `tc` takes: a match ends it when there is a class or an action.
    public var selector: Selector?
    /// The table it is in (`TCA_U32_HASH`); nil for that of the priority.
    public var table: UInt32?
    /// The table that the search goes on in (`TCA_U32_LINK`); nil for none.
    public var link: UInt32?
    /// How many buckets the table has that this is (`TCA_U32_DIVISOR`); nil of a filter.
    public var divisor: UInt32?

    /// Describes what packets are compared with.
    ///
    /// - Parameters:
    ///   - keys: the bits to compare; none for all packets.
    ///   - selector: how the search goes on; nil for what `tc` takes.
    public init(_ keys: [Key] = [], selector: Selector? = nil) {
      // The kernel wants one at least; `tc` has "match u32 0 0" for all packets.
      self.keys = keys.isEmpty ? [Key(0, mask: 0, at: 0)] : keys
      self.selector = selector
    }
  }
}

extension FilterSettings.U32.Key {
  /// The address of IPv4 packets that they go to.
  ///
  /// - Parameters:
  ///   - address: the first address; bits beyond the prefix are left out.
  ///   - prefixLength: how many bits count, 0...32.
  /// - Returns: The key.
  public static func destination(_ address: IPv4Address, prefixLength: Int = 32) -> Self {
    key(address, prefixLength, at: 16)
  }
  /// The address of IPv4 packets that they come from.
  ///
  /// - Parameters:
  ///   - address: the first address; bits beyond the prefix are left out.
  ///   - prefixLength: how many bits count, 0...32.
  /// - Returns: The key.
  public static func source(_ address: IPv4Address, prefixLength: Int = 32) -> Self {
    key(address, prefixLength, at: 12)
  }

  private static func key(_ address: IPv4Address, _ prefixLength: Int, at offset: Int32) -> Self {
    let length = max(0, min(32, prefixLength))
    let mask = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
    return Self(address.rawValue & mask, mask: mask, at: offset)
  }
}
