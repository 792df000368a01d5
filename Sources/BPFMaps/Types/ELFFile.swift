// SPDX-License-Identifier: Apache-2.0

/// As much of an ELF image as it takes to find a section: 64 bits, little-endian, as BPF objects are.
struct ELFFile {
  private let bytes: [UInt8]
  private let sections: Int
  private let entrySize: Int
  private let count: Int
  private let names: Int

  init(_ bytes: [UInt8]) throws(BPFError) {
    guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { throw Self.failure(0, "it is no ELF file") }
    guard bytes.count >= 64, bytes[4] == 2, bytes[5] == 1 else {
      throw Self.failure(4, "it is no ELF file of 64 bits in little-endian order")
    }
    self.bytes = bytes
    sections = Int(truncatingIfNeeded: bytes.bits(0x28 * 8, 64))
    entrySize = Int(bytes.bits(0x3a * 8, 16))
    count = Int(bytes.bits(0x3c * 8, 16))
    names = Int(bytes.bits(0x3e * 8, 16))
    guard entrySize >= 64, sections >= 64, sections <= bytes.count, count * entrySize <= bytes.count - sections,
      names < count
    else { throw Self.failure(0x28, "its section headers are not inside it") }
  }

  /// Where a section's bytes are; nil: there is no such section.
  func section(named name: String) throws(BPFError) -> Range<Int>? {
    let wanted = Array(name.utf8)
    let nameBytes = try range(names)
    for index in 0..<count {
      let offset = Int(bytes.bits((sections + index * entrySize) * 8, 32))
      guard offset < nameBytes.count else { continue }
      let found = bytes[(nameBytes.lowerBound + offset)..<nameBytes.upperBound].prefix(wanted.count + 1)
        .prefix { $0 != 0 }
      if found.elementsEqual(wanted) { return try range(index) }
    }
    return nil
  }

  private func range(_ index: Int) throws(BPFError) -> Range<Int> {
    let header = sections + index * entrySize
    let start = bytes.bits((header + 0x18) * 8, 64)
    let size = bytes.bits((header + 0x20) * 8, 64)
    guard start <= UInt64(bytes.count), size <= UInt64(bytes.count) - start else {
      throw Self.failure(header, "a section is not inside it")
    }
    return Int(start)..<Int(start + size)
  }

  private static func failure(_ offset: Int, _ reason: String) -> BPFError {
    BPFError(.malformedObject, "read an object file, offset \(offset): \(reason)")
  }
}
