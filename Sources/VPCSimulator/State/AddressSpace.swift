// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// The addresses of one vSwitch: which are free, and the next to give.
///
/// Addresses are given in turn, so that one just freed comes back last.
struct AddressSpace: Sendable, Hashable {
  let cidr: IPv4CIDR
  private var used: Set<UInt32> = []
  private var next: UInt32

  init(_ cidr: IPv4CIDR) {
    self.cidr = cidr
    next = cidr.first.rawValue + 1
  }

  /// The first and the last address that may be given.
  private var usable: ClosedRange<UInt32> { (cidr.first.rawValue + 1)...(cidr.last.rawValue - 3) }

  /// The third address from the end.
  var gateway: IPv4Address { IPv4Address(rawValue: cidr.last.rawValue - 2) }

  /// How many addresses are free.
  var freeCount: Int { usable.count - used.count }

  /// Whether an address may be given at all.
  func isUsable(_ address: IPv4Address) -> Bool { usable.contains(address.rawValue) }

  /// Whether an address is given.
  func isUsed(_ address: IPv4Address) -> Bool { used.contains(address.rawValue) }

  /// Gives one address that is known to be usable and free.
  mutating func take(_ address: IPv4Address) { used.insert(address.rawValue) }

  /// Gives any address; nil when none is free.
  mutating func takeAny() -> IPv4Address? {
    guard freeCount > 0 else { return nil }
    while used.contains(next) { advance() }
    let address = IPv4Address(rawValue: next)
    used.insert(next)
    advance()
    return address
  }

  /// Takes addresses back.
  mutating func free(_ addresses: some Sequence<IPv4Address>) {
    for address in addresses { used.remove(address.rawValue) }
  }

  private mutating func advance() {
    next = next == usable.upperBound ? usable.lowerBound : next + 1
  }
}
