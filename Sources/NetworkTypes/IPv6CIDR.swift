// SPDX-License-Identifier: Apache-2.0

/// An IPv6 block: an address and how many of its leading bits count.
///
/// Host bits are kept as given.
public struct IPv6CIDR: Hashable, Sendable {
  /// The address as given, host bits included.
  public let address: IPv6Address
  /// The number of leading bits that count, 0...128.
  public let prefixLength: Int

  /// Makes a block; nil when `prefixLength` is outside 0...128.
  public init?(address: IPv6Address, prefixLength: Int) {
    guard (0...128).contains(prefixLength) else { return nil }
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Reads `fd00::/8`; nil when malformed, or when the length is missing.
  public init?(_ text: some StringProtocol) {
    guard let block = IPCIDR(text), case .v6(let address) = block.address else { return nil }
    self.init(address: address, prefixLength: block.prefixLength)
  }

  /// The leading bits as a mask, upper half and lower half.
  private var mask: (high: UInt64, low: UInt64) {
    (
      prefixLength >= 64 ? ~0 : prefixLength == 0 ? 0 : ~0 << UInt64(64 - prefixLength),
      prefixLength <= 64 ? 0 : ~0 << UInt64(128 - prefixLength)
    )
  }

  /// The block's first address.
  public var first: IPv6Address { IPv6Address(high: address.high & mask.high, low: address.low & mask.low) }
  /// The block's last address.
  public var last: IPv6Address { IPv6Address(high: address.high | ~mask.high, low: address.low | ~mask.low) }
  /// The same block without host bits.
  public var masked: IPv6CIDR { IPv6CIDR(unchecked: first, prefixLength) }

  private init(unchecked address: IPv6Address, _ prefixLength: Int) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Whether the block covers `other`.
  public func contains(_ other: IPv6Address) -> Bool {
    other.high & mask.high == first.high && other.low & mask.low == first.low
  }
}

extension IPv6CIDR: CustomStringConvertible {
  /// `fd00::/8`.
  public var description: String { "\(address)/\(prefixLength)" }
}
