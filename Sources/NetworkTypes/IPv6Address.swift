// SPDX-License-Identifier: Apache-2.0

/// An IPv6 address.
public struct IPv6Address: Hashable, Sendable, Comparable {
  /// The upper 64 bits, as a number.
  public let high: UInt64
  /// The lower 64 bits, as a number.
  public let low: UInt64

  /// Makes an address from its two halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Makes an address from 16 bytes in network order; nil for any other count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    var halves: (UInt64, UInt64) = (0, 0)
    for (index, byte) in bytes.enumerated() {
      if index < 8 { halves.0 = halves.0 << 8 | UInt64(byte) } else { halves.1 = halves.1 << 8 | UInt64(byte) }
    }
    self.init(high: halves.0, low: halves.1)
  }

  /// The 16 bytes in network order.
  public var bytes: [UInt8] {
    (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * ($0 % 8))) }
  }

  /// The eight 16-bit groups, left to right.
  var groups: [UInt16] {
    (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * ($0 % 4))) }
  }

  /// Reads RFC 4291 notation (`::` once, an IPv4 tail allowed); zones (`%eth0`) and anything else are nil.
  public init?(_ text: some StringProtocol) {
    let text = String(text)
    guard text.utf8.count <= 45 else { return nil }
    let head: [UInt16]
    let tail: [UInt16]
    if let gap = Self.firstGap(in: text) {
      let before = text[..<gap.lowerBound]
      let after = text[gap.upperBound...]
      guard Self.firstGap(in: after) == nil, !after.hasPrefix(":"),
        let left = Self.groups(before, mayEndInIPv4: false), let right = Self.groups(after, mayEndInIPv4: true),
        left.count + right.count <= 7
      else { return nil }
      head = left
      tail = right
    } else {
      guard let all = Self.groups(text[...], mayEndInIPv4: true), all.count == 8 else { return nil }
      head = all
      tail = []
    }
    let all = head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    high = all[..<4].reduce(0) { $0 << 16 | UInt64($1) }
    low = all[4...].reduce(0) { $0 << 16 | UInt64($1) }
  }

  private static func firstGap(in text: some StringProtocol) -> Range<String.Index>? {
    var index = text.startIndex
    while index < text.endIndex {
      let next = text.index(after: index)
      if next < text.endIndex, text[index] == ":", text[next] == ":" { return index..<text.index(after: next) }
      index = next
    }
    return nil
  }

  private static func groups(_ text: some StringProtocol, mayEndInIPv4: Bool) -> [UInt16]? {
    if text.isEmpty { return [] }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if mayEndInIPv4, index == parts.count - 1, part.contains(".") {
        guard let address = IPv4Address(part) else { return nil }
        groups += [UInt16(address.rawValue >> 16), UInt16(address.rawValue & 0xFFFF)]
      } else {
        guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
          let group = UInt16(part, radix: 16)
        else { return nil }
        groups.append(group)
      }
    }
    return groups
  }

  /// Orders addresses by their number.
  public static func < (left: Self, right: Self) -> Bool { (left.high, left.low) < (right.high, right.low) }
}

extension IPv6Address: CustomStringConvertible {
  /// RFC 5952 notation: lower case, the longest run of two or more zero groups shortened.
  public var description: String {
    let groups = groups
    var best = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(best.count, 1) { best = start..<end }
      start = max(end, start + 1)
    }
    func text(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    if high == 0, low >> 32 == 0xFFFF {
      return "::ffff:\(IPv4Address(rawValue: UInt32(truncatingIfNeeded: low)))"
    }
    return best.isEmpty ? text(0..<8) : text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
  }
}
