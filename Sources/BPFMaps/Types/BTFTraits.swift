// SPDX-License-Identifier: Apache-2.0

/// What a type's and a member's name say of how its bytes are to be read.
enum BTFTraits {
  /// Whether a typedef says that the bytes are in network order.
  static func isWireOrder(_ type: BTFType) -> Bool {
    type.typedefNames.contains { ["__be16", "__be32", "__be64", "be16", "be32", "be64"].contains($0) }
  }

  /// Whether it is an array of C characters: text, if it holds any.
  static func isCharacter(_ type: BTFType) -> Bool {
    guard let integer = type.resolved.integer, integer.size == 1, !integer.isBoolean else { return false }
    return integer.isCharacter || type.resolved.name == "char"
  }

  /// Whether it is an integer of one byte.
  static func isByte(_ type: BTFType) -> Bool {
    guard let integer = type.resolved.integer else { return false }
    return integer.size == 1 && integer.bitCount == 8 && !integer.isBoolean
  }

  /// How many bytes an Internet address in the member has; nil: it is none.
  ///
  /// A `__be32`, or the kernel's own types. Names decide where a `__be32` or an array could be anything.
  static func addressSize(_ type: BTFType, name: String) -> Int? {
    let resolved = type.resolved
    switch resolved.kind {
    case .structure:
      if resolved.name == "in_addr", resolved.size == 4 { return 4 }
      return resolved.name == "in6_addr" && resolved.size == 16 ? 16 : nil
    case .integer: return isWireOrder(type) && type.size == 4 && suggestsAddress(name) ? 4 : nil
    case .array(let element, let count):
      guard suggestsAddress(name), !isCharacter(element) else { return nil }
      if isByte(element), count == 16 || count == 4 { return count }
      return count == 4 && element.size == 4 && isWireOrder(element) ? 16 : nil
    default: return nil
    }
  }

  /// Whether a member of six bytes is a link-layer address.
  static func isHardwareAddress(_ type: BTFType, name: String) -> Bool {
    guard case .array(let element, 6) = type.resolved.kind, isByte(element), !isCharacter(element) else { return false }
    return words(of: name).contains { hardwareWords.contains($0) } || name == "h_source" || name == "h_dest"
  }

  /// Whether a member left out of an input may be zero: nobody chooses what padding holds.
  static func isPadding(_ name: String) -> Bool {
    words(of: name).contains { ["pad", "padding", "reserved", "unused"].contains(withoutDigits($0)) }
  }

  private static func suggestsAddress(_ name: String) -> Bool {
    let words = words(of: name)
    return words.contains { word in
      addressWords.contains(withoutDigits(word)) || word.hasSuffix("addr") || word.hasSuffix("ip")
    }
  }

  private static let addressWords: Set<String> = [
    "addr", "addrs", "address", "addresses", "ip", "ips", "ipv", "src", "dst", "source", "destination", "dest", "peer",
    "gateway", "gw", "vip", "nexthop", "local", "remote", "daddr", "saddr", "backend",
  ]

  private static let hardwareWords: Set<String> = [
    "mac", "dmac", "smac", "eth", "ether", "ethernet", "hwaddr", "lladdr", "hardware",
  ]

  private static func withoutDigits(_ word: String) -> String { String(word.filter { !$0.isNumber }) }

  /// `peer_addr`, `peerAddr`: the words in small letters.
  private static func words(of name: String) -> [String] {
    var words: [String] = []
    var word = ""
    for character in name {
      if character == "_" || character.isUppercase && word.last?.isLowercase == true {
        words.append(word)
        word = ""
      }
      if character != "_" { word.append(character.isUppercase ? Character(character.lowercased()) : character) }
    }
    return (words + [word]).filter { !$0.isEmpty }
  }
}
