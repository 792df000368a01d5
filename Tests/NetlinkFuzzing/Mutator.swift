// SPDX-License-Identifier: Apache-2.0

/// Makes messages that are nearly right out of right ones.
struct Mutator {
  private let seeds: [[UInt8]]
  /// More would not fit in one write of what was read.
  static let longest = 4096

  init(_ seeds: [[UInt8]]) {
    precondition(!seeds.isEmpty, "there is nothing to mutate")
    self.seeds = seeds
  }

  /// Message `number` of the run with `seed`: always the same.
  func message(_ number: UInt64, seed: UInt64) -> [UInt8] {
    var random = Random(seed: seed, message: number)
    var bytes = seeds[random.below(seeds.count)]
    for _ in 0...random.below(4) { mutate(&bytes, &random) }
    // Most messages should be read to their end, so nearly always the header's length is right.
    if random.below(8) != 0 { Mutator.fixLength(&bytes) }
    return bytes
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout Random) {
    guard bytes.count > 20 else { return bytes = seeds[random.below(seeds.count)] }
    switch random.below(14) {
    case 0, 1, 2: bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
    case 3, 4: bytes[random.below(bytes.count)] = [0, 1, 0x7f, 0x80, 0xff, UInt8(random.below(256))][random.below(6)]
    case 5: bytes.removeLast(1 + random.below(min(bytes.count - 16, 64)))
    case 6: splice(&bytes, &random)
    case 7: insertRandom(&bytes, &random)
    case 8: setLength(of: &bytes, &random)
    case 9: copyAttribute(in: &bytes, &random)
    case 10: nest(&bytes, &random)
    case 11: removeAttribute(from: &bytes, &random)
    case 12: changeType(in: &bytes, &random)
    default: setWord(in: &bytes, &random)
    }
    if bytes.count > Mutator.longest { bytes.removeLast(bytes.count - Mutator.longest) }
  }

  private func splice(_ bytes: inout [UInt8], _ random: inout Random) {
    let other = seeds[random.below(seeds.count)]
    if random.below(2) == 0 {
      // Two messages in one datagram.
      Mutator.fixLength(&bytes)
      while bytes.count % 4 != 0 { bytes.append(0) }
      bytes += other
    } else {
      let cut = 16 + random.below(max(1, bytes.count - 16)) / 4 * 4
      bytes = Array(bytes.prefix(cut)) + other.dropFirst(16 + random.below(max(1, other.count - 16)) / 4 * 4)
    }
  }

  private func insertRandom(_ bytes: inout [UInt8], _ random: inout Random) {
    let place = 16 + random.below(bytes.count - 16)
    let piece = (0..<1 + random.below(24)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    bytes.insert(contentsOf: piece, at: place / 4 * 4)
  }

  /// A length field that lies, or a type that is another.
  private func setLength(of bytes: inout [UInt8], _ random: inout Random) {
    guard let place = attributes(in: bytes).randomElement(&random) else { return }
    let lengths = [0, 1, 3, 4, 5, 6, 8, place.count - 1, place.count + 1, place.count + 4, bytes.count, 0xffff]
    let length = lengths[random.below(lengths.count)]
    bytes[place.lowerBound] = UInt8(truncatingIfNeeded: length)
    bytes[place.lowerBound + 1] = UInt8(truncatingIfNeeded: length >> 8)
  }

  private func changeType(in bytes: inout [UInt8], _ random: inout Random) {
    guard let place = attributes(in: bytes).randomElement(&random) else { return }
    bytes[place.lowerBound + 2] = UInt8(random.below(70))
    bytes[place.lowerBound + 3] = [0, 0x80, 0x40][random.below(3)]
  }

  private func copyAttribute(in bytes: inout [UInt8], _ random: inout Random) {
    let places = attributes(in: bytes)
    guard let from = places.randomElement(&random), let to = places.randomElement(&random) else { return }
    let copies = 1 + random.below(3)
    for _ in 0..<copies { bytes.insert(contentsOf: bytes[from], at: to.lowerBound) }
  }

  private func removeAttribute(from bytes: inout [UInt8], _ random: inout Random) {
    guard let place = attributes(in: bytes).randomElement(&random) else { return }
    bytes.removeSubrange(place)
  }

  /// Puts attributes inside another, as deep as it gets.
  private func nest(_ bytes: inout [UInt8], _ random: inout Random) {
    guard let place = attributes(in: bytes).randomElement(&random) else { return }
    var inner = Array(bytes[place])
    for _ in 0...random.below(6) where inner.count < 1024 {
      let length = UInt16(inner.count + 4)
      let type = UInt8(random.below(64))
      inner = [UInt8(truncatingIfNeeded: length), UInt8(length >> 8), type, 0x80] + inner
    }
    bytes.replaceSubrange(place, with: inner)
  }

  private func setWord(in bytes: inout [UInt8], _ random: inout Random) {
    let place = random.below((bytes.count - 4) / 4) * 4
    let words: [UInt32] = [0, 1, 0x7fff_ffff, 0x8000_0000, .max, UInt32(truncatingIfNeeded: random.next())]
    let word = words[random.below(words.count)]
    for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: word >> UInt32(8 * byte)) }
  }

  static func fixLength(_ bytes: inout [UInt8]) {
    guard bytes.count >= 16 else { return }
    for byte in 0..<4 { bytes[byte] = UInt8(truncatingIfNeeded: bytes.count >> (8 * byte)) }
  }

  /// Where attributes seem to lie: behind a fixed header of the right size, and inside one another.
  private func attributes(in bytes: [UInt8]) -> [Range<Int>] {
    var found: [Range<Int>] = []
    let headers = [16: 16, 20: 8, 24: 12, 28: 12, 32: 12, 36: 20, 40: 20, 44: 20, 88: 4]
    let type = Int(bytes[4]) | Int(bytes[5]) << 8
    walk(bytes, min(16 + (headers[type & ~3] ?? 4), bytes.count)..<bytes.count, depth: 0, &found)
    return found
  }

  private func walk(_ bytes: [UInt8], _ range: Range<Int>, depth: Int, _ found: inout [Range<Int>]) {
    var offset = range.lowerBound
    while offset + 4 <= range.upperBound {
      let length = Int(bytes[offset]) | Int(bytes[offset + 1]) << 8
      let end = offset + (length + 3) & ~3
      guard length >= 4, end <= range.upperBound else { return }
      found.append(offset..<end)
      if bytes[offset + 3] & 0x80 != 0, depth < 4 { walk(bytes, offset + 4..<end, depth: depth + 1, &found) }
      offset = end
    }
  }
}

extension Array {
  fileprivate func randomElement(_ random: inout Random) -> Element? {
    isEmpty ? nil : self[random.below(count)]
  }
}
