// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI

/// The one 64-bit word that says where a service's slots are: what makes a change of endpoints atomic.
///
/// `struct service_word` in `bpf/include/service_abi.h`.
public struct ServiceWord: RawRepresentable, Hashable, Sendable {
  /// The number of slots that exist at most: 2^28.
  public static let slotLimit = UInt32(1) << UInt32(SERVICE_SLOT_BITS)

  private static let countMask = UInt64(1) << UInt64(SERVICE_COUNT_BITS) - 1

  /// The word as it lies in the map.
  public let rawValue: UInt64

  /// Takes a word as it lies in the map.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Makes a word; bits beyond a field's width are dropped.
  public init(base: UInt32, count: Int, localCount: Int, generation: UInt8) {
    rawValue =
      UInt64(base) & (UInt64(Self.slotLimit) - 1)
      | (UInt64(truncatingIfNeeded: count) & Self.countMask) << UInt64(SERVICE_COUNT_SHIFT)
      | (UInt64(truncatingIfNeeded: localCount) & Self.countMask) << UInt64(SERVICE_LOCAL_SHIFT)
      | UInt64(generation) << UInt64(SERVICE_GENERATION_SHIFT)
  }

  /// The index of the first slot.
  public var base: UInt32 { UInt32(truncatingIfNeeded: rawValue & (UInt64(Self.slotLimit) - 1)) }
  /// The number of slots, 0...16383; 0 refuses connections.
  public var count: Int { Int(rawValue >> UInt64(SERVICE_COUNT_SHIFT) & Self.countMask) }
  /// How many of the slots, from the first on, are endpoints of this node.
  public var localCount: Int { Int(rawValue >> UInt64(SERVICE_LOCAL_SHIFT) & Self.countMask) }
  /// A number that changes with every change of the word.
  public var generation: UInt8 { UInt8(truncatingIfNeeded: rawValue >> UInt64(SERVICE_GENERATION_SHIFT)) }

  /// The slots.
  public var slots: Range<UInt32> { base..<(base + UInt32(count)) }
}

extension ServiceWord: CustomStringConvertible {
  /// `slots 4..<7, 1 local, generation 2`, or `refuse, generation 2`.
  public var description: String {
    count == 0 ? "refuse, generation \(generation)" : "slots \(slots), \(localCount) local, generation \(generation)"
  }
}
