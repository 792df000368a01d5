// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI

/// The one 64-bit word that a frontend's key leads to: which service it is, and how it is served.
///
/// `struct frontend_word` in `bpf/include/service_abi.h`.
public struct FrontendWord: RawRepresentable, Hashable, Sendable {
  /// How a frontend is served: `FRONTEND_*`.
  public struct Flags: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt16

    /// Takes the bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    private init(_ flag: UInt32) { rawValue = UInt16(flag) }

    /// Served to clients outside the cluster too.
    public static let external = Flags(FRONTEND_EXTERNAL)
    /// At every address of the node.
    public static let nodePort = Flags(FRONTEND_NODE_PORT)
    /// Clients in the cluster use the local scope.
    public static let internalLocal = Flags(FRONTEND_INTERNAL_LOCAL)
    /// Clients outside use the local scope.
    public static let externalLocal = Flags(FRONTEND_EXTERNAL_LOCAL)
    /// The service's configuration has to be read.
    public static let configured = Flags(FRONTEND_CONFIGURED)
    /// Clients outside have to be in the service's source ranges.
    public static let sourceRanges = Flags(FRONTEND_SOURCE_RANGES)
    /// Sockets are not redirected where their own network namespace listens.
    public static let localRedirect = Flags(FRONTEND_LOCAL_REDIRECT)
    /// Sockets on this node are not translated.
    public static let notInternal = Flags(FRONTEND_NOT_INTERNAL)
  }

  /// How many service and VIP indices the word can name.
  static let indexLimit = UInt32(1) << UInt32(FRONTEND_INDEX_BITS)
  private static let indexMask = UInt64(indexLimit) - 1
  private static let flagMask = (UInt16(1) << UInt16(FRONTEND_FLAGS_BITS)) - 1

  /// The word as it lies in the map.
  public let rawValue: UInt64

  /// Takes a word as it lies in the map.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Makes a word; bits beyond a field's width are dropped.
  public init(service: UInt32, vip: UInt32, flags: Flags, epoch: UInt32) {
    rawValue =
      UInt64(service) & Self.indexMask
      | (UInt64(vip) & Self.indexMask) << UInt64(FRONTEND_VIP_SHIFT)
      | UInt64(flags.rawValue & Self.flagMask) << UInt64(FRONTEND_FLAGS_SHIFT)
      | (UInt64(epoch) & ((1 << UInt64(FRONTEND_EPOCH_BITS)) - 1)) << UInt64(FRONTEND_EPOCH_SHIFT)
  }

  /// The service's index.
  public var service: UInt32 { UInt32(truncatingIfNeeded: rawValue & Self.indexMask) }
  /// The index of what was asked for, for replies.
  public var vip: UInt32 { UInt32(truncatingIfNeeded: rawValue >> UInt64(FRONTEND_VIP_SHIFT) & Self.indexMask) }
  /// How it is served.
  public var flags: Flags {
    Flags(rawValue: UInt16(truncatingIfNeeded: rawValue >> UInt64(FRONTEND_FLAGS_SHIFT)) & Self.flagMask)
  }
  /// The epoch of ``vip``.
  public var epoch: UInt32 { UInt32(truncatingIfNeeded: rawValue >> UInt64(FRONTEND_EPOCH_SHIFT)) }
}

extension FrontendWord.Flags: CustomStringConvertible {
  /// `external nodePort`.
  public var description: String {
    let names: [(FrontendWord.Flags, String)] = [
      (.external, "external"), (.nodePort, "nodePort"), (.internalLocal, "internalLocal"),
      (.externalLocal, "externalLocal"), (.configured, "configured"), (.sourceRanges, "sourceRanges"),
      (.localRedirect, "localRedirect"), (.notInternal, "notInternal"),
    ]
    return names.filter { contains($0.0) }.map(\.1).joined(separator: " ")
  }
}

extension FrontendWord: CustomStringConvertible {
  /// `service 3, vip 7.1, external nodePort`.
  public var description: String {
    "service \(service), vip \(vip).\(epoch)\(flags.isEmpty ? "" : ", \(flags)")"
  }
}

/// A run of slots in one word: what makes a change of endpoints one store.
///
/// `struct slot_extent` in `bpf/include/service_abi.h`.
public struct SlotExtent: RawRepresentable, Hashable, Sendable {
  /// The word as it lies in the map.
  public let rawValue: UInt64

  /// No slots.
  public static let empty = SlotExtent(rawValue: 0)

  /// Takes a word as it lies in the map.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Makes an extent; without slots it is ``empty``.
  public init(first: UInt32, count: Int) {
    rawValue = count == 0 ? 0 : UInt64(first) | UInt64(UInt32(truncatingIfNeeded: count)) << UInt64(EXTENT_COUNT_SHIFT)
  }

  /// The first slot.
  public var first: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
  /// How many slots.
  public var count: Int { Int(rawValue >> UInt64(EXTENT_COUNT_SHIFT)) }
  /// The slots; empty also when the word makes no sense.
  public var slots: Range<UInt32> {
    let end = first.addingReportingOverflow(UInt32(count))
    return end.overflow ? 0..<0 : first..<end.partialValue
  }
}

extension SlotExtent: CustomStringConvertible {
  /// `slots 4..<7`, or `none`.
  public var description: String { count == 0 ? "none" : "slots \(slots)" }
}
