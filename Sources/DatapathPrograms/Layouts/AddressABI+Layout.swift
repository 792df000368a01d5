// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI
public import NetworkTypes

// bpf/include/address_abi.h

extension ip_address: BPFValue {
  /// `struct ip_address`.
  public static let layout = StructLayout("ip_address", of: Self.self, fields: [.init("word", \.word)])
}

extension ip_address {
  /// The form in which maps hold an IPv4 address: mapped into IPv6, `::ffff:a.b.c.d`.
  ///
  /// - Parameter address: The address.
  public init(_ address: IPv4Address) {
    self.init(word: (0, 0, UInt32(0xffff).bigEndian, address.networkOrder))
  }

  /// The form in which maps hold an IPv6 address: itself.
  ///
  /// - Parameter address: The address. A mapped one would pass for IPv4.
  public init(_ address: IPv6Address) {
    self.init(
      word: (
        UInt32(truncatingIfNeeded: address.high >> 32).bigEndian, UInt32(truncatingIfNeeded: address.high).bigEndian,
        UInt32(truncatingIfNeeded: address.low >> 32).bigEndian, UInt32(truncatingIfNeeded: address.low).bigEndian
      ))
  }

  /// The form in which maps hold an address of either family.
  ///
  /// - Parameter address: The address.
  public init(_ address: IPAddress) {
    switch address {
    case .v4(let address): self.init(address)
    case .v6(let address): self.init(address)
    }
  }

  /// The address: IPv4 where it is a mapped one.
  public var address: IPAddress {
    let words = (
      UInt64(UInt32(bigEndian: word.0)), UInt64(UInt32(bigEndian: word.1)), UInt64(UInt32(bigEndian: word.2)),
      UInt64(UInt32(bigEndian: word.3))
    )
    if words.0 == 0, words.1 == 0, words.2 == 0xffff { return .v4(IPv4Address(networkOrder: word.3)) }
    return .v6(IPv6Address(high: words.0 << 32 | words.1, low: words.2 << 32 | words.3))
  }
}
