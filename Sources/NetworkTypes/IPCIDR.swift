// SPDX-License-Identifier: Apache-2.0

/// An IPv4 block: an address and how many of its leading bits count.
///
/// Host bits are kept as given.
public struct IPv4CIDR: Hashable, Sendable {
  /// The address as given, host bits included.
  public let address: IPv4Address
  /// The number of leading bits that count, 0...32.
  public let prefixLength: Int

  /// Makes a block; nil when `prefixLength` is outside 0...32.
  public init?(address: IPv4Address, prefixLength: Int) {
    guard (0...32).contains(prefixLength) else { return nil }
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Reads `10.0.0.0/8`; nil when malformed, or when the length is missing.
  public init?(_ text: some StringProtocol) {
    guard let block = IPCIDR(text), case .v4(let address) = block.address else { return nil }
    self.init(address: address, prefixLength: block.prefixLength)
  }

  /// The leading bits as a mask: /24 is `0xFFFFFF00`.
  public var mask: UInt32 { prefixLength == 0 ? 0 : ~0 << UInt32(32 - prefixLength) }
  /// The block's first address.
  public var first: IPv4Address { IPv4Address(rawValue: address.rawValue & mask) }
  /// The block's last address.
  public var last: IPv4Address { IPv4Address(rawValue: address.rawValue | ~mask) }
  /// The same block without host bits.
  public var masked: IPv4CIDR { IPv4CIDR(unchecked: first, prefixLength) }

  private init(unchecked address: IPv4Address, _ prefixLength: Int) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Whether the block covers `other`.
  public func contains(_ other: IPv4Address) -> Bool { other.rawValue & mask == first.rawValue }
}

extension IPv4CIDR: CustomStringConvertible {
  /// `10.0.0.0/8`.
  public var description: String { "\(address)/\(prefixLength)" }
}

/// A block of either family: an address and how many of its leading bits count.
///
/// Host bits are kept as given.
public struct IPCIDR: Hashable, Sendable {
  /// The address as given, host bits included.
  public let address: IPAddress
  /// The number of leading bits that count: 0...32 or 0...128.
  public let prefixLength: Int

  /// Makes a block; nil when `prefixLength` does not fit the family.
  public init?(address: IPAddress, prefixLength: Int) {
    guard (0...address.family.bitWidth).contains(prefixLength) else { return nil }
    self.address = address
    self.prefixLength = prefixLength
  }

  /// The block of exactly one address: /32 or /128.
  public init(host address: IPAddress) {
    self.address = address
    prefixLength = address.family.bitWidth
  }

  /// A block of IPv4.
  public init(_ block: IPv4CIDR) {
    address = .v4(block.address)
    prefixLength = block.prefixLength
  }

  /// Reads `10.0.0.0/8` or `fd00::/8`; nil when malformed (leading zeros in the length included), or without a length.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(parts[0]), (1...3).contains(parts[1].utf8.count),
      parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      parts[1].utf8.count == 1 || parts[1].utf8.first != UInt8(ascii: "0"), let length = Int(parts[1])
    else { return nil }
    self.init(address: address, prefixLength: length)
  }

  /// The address's family.
  public var family: AddressFamily { address.family }

  /// The same block without host bits.
  public var masked: IPCIDR {
    switch address {
    case .v4(let value):
      let mask: UInt32 = prefixLength == 0 ? 0 : ~0 << UInt32(32 - prefixLength)
      return IPCIDR(unchecked: .v4(IPv4Address(rawValue: value.rawValue & mask)), prefixLength)
    case .v6(let value):
      let high: UInt64 = prefixLength >= 64 ? ~0 : prefixLength == 0 ? 0 : ~0 << UInt64(64 - prefixLength)
      let low: UInt64 = prefixLength <= 64 ? 0 : ~0 << UInt64(128 - prefixLength)
      return IPCIDR(unchecked: .v6(IPv6Address(high: value.high & high, low: value.low & low)), prefixLength)
    }
  }

  private init(unchecked address: IPAddress, _ prefixLength: Int) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// The block's first address.
  public var network: IPAddress { masked.address }

  /// Whether the block covers `other`.
  ///
  /// An address of the other family is never covered.
  public func contains(_ other: IPAddress) -> Bool {
    guard other.family == family else { return false }
    return IPCIDR(unchecked: other, prefixLength).masked.address == network
  }

  /// Whether the block covers all of `other`.
  public func contains(_ other: IPCIDR) -> Bool { other.prefixLength >= prefixLength && contains(other.address) }
}

extension IPCIDR: CustomStringConvertible {
  /// `10.0.0.0/8`.
  public var description: String { "\(address)/\(prefixLength)" }
}
