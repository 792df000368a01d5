// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// Finds the longest of many prefixes that contains an address.
struct PrefixIndex: Sendable {
  private var positions: [IPCIDR: Int] = [:]
  private var lengths: [AddressFamily: [Int]] = [:]

  /// - Parameter prefixes: without host bits, and without duplicates.
  init(_ prefixes: some Sequence<IPCIDR>) {
    var found: [AddressFamily: Set<Int>] = [:]
    for (position, prefix) in prefixes.enumerated() {
      positions[prefix] = position
      found[prefix.family, default: []].insert(prefix.prefixLength)
    }
    lengths = found.mapValues { $0.sorted(by: >) }
  }

  /// The position of the longest prefix that contains an address.
  ///
  /// - Parameter address: any address.
  /// - Returns: nil where no prefix contains it.
  func position(of address: IPAddress) -> Int? {
    for length in lengths[address.family] ?? [] {
      guard let block = IPCIDR(address: address, prefixLength: length) else { continue }
      if let position = positions[block.masked] { return position }
    }
    return nil
  }
}
