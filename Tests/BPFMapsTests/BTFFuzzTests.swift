// SPDX-License-Identifier: Apache-2.0

import Foundation
import SeededRandom
import Testing

@testable import BPFMaps

/// Bytes that no compiler wrote: errors, never a trap and never an endless loop.
///
/// `BTF_FUZZ_BLOBS=500000` in the environment makes it that many.
@Suite("Mutated BTF", .timeLimit(.minutes(60)))
struct BTFFuzzTests {
  @Test func `every mutation ends in types or in an error that names the offset`() async throws {
    let seed = try SampleTypes().bytes
    let count = Int(ProcessInfo.processInfo.environment["BTF_FUZZ_BLOBS"] ?? "") ?? 4000
    var generator = SeededGenerator(seed: 42)
    var decoded = 0
    for number in 0..<count {
      // Other tests share the threads, and some of them have deadlines.
      if number.isMultiple(of: 10) { await Task.yield() }
      let blob = mutate(seed, &generator)
      do {
        let btf = try BTF(decoding: blob)
        decoded += 1
        look(at: btf)
      } catch {
        #expect(error.code == .malformedObject && error.message.hasPrefix("decode BTF, offset "), "\(error)")
      }
    }
    // Mutations that decode reach what looks at types.
    #expect(decoded > count / 20, "\(decoded) of \(count)")
    print("mutated BTF: \(decoded) of \(count) decoded")
  }

  /// Everything that can be asked of types.
  private func look(at btf: BTF) {
    let zeros = [UInt8](repeating: 0x41, count: 256)
    for type in btf.types {
      _ = type.definition.utf8.count
      _ = btf.type(type.identifier)?.unnamedPadding
      guard let size = type.size, size <= zeros.count else { continue }
      guard let value = try? type.value(of: zeros) else { continue }
      _ = try? type.bytes(parsing: value.json)
    }
    _ = btf.mapDeclarations
    _ = btf.functions.count
    _ = btf.variables(inSection: ".rodata")
    _ = btf.structure(named: "everything")
  }

  private func mutate(_ seed: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
      let position = Int.random(in: bytes.indices, using: &generator)
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 2: bytes.removeLast(min(bytes.count - 1, Int.random(in: 1...16, using: &generator)))
      case 3...6:
        // A word of the types, to a small number: another type, kind, count or offset.
        let word = position / 4 * 4
        guard word + 4 <= bytes.count else { continue }
        bytes[word] = UInt8.random(in: 0...60, using: &generator)
        for index in 1..<3 { bytes[word + index] = 0 }
      case 7:
        let word = position / 4 * 4
        guard word + 4 <= bytes.count else { continue }
        for index in 0..<4 { bytes[word + index] = 0xff }
      case 8: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
      default:
        let word = position / 4 * 4
        let other = Int.random(in: bytes.indices, using: &generator) / 4 * 4
        guard word + 4 <= bytes.count, other + 4 <= bytes.count else { continue }
        for index in 0..<4 { bytes[word + index] = bytes[other + index] }
      }
    }
    return bytes
  }

  @Test func `mutated object files end in types or in an error`() async throws {
    var generator = SeededGenerator(seed: 7)
    let seed = try elf(SampleTypes().bytes)
    #expect(try BTF.ofObject(seed).count > 20)
    for index in seed.indices.prefix(400) {
      if index.isMultiple(of: 4) { await Task.yield() }
      for value: UInt8 in [0, 1, 0x7f, 0xff, UInt8.random(in: 0...255, using: &generator)] {
        var bytes = seed
        bytes[index] = value
        _ = try? BTF.ofObject(bytes)
      }
      _ = try? BTF.ofObject(Array(seed.prefix(index)))
    }
    #expect {
      _ = try BTF.ofObject([1, 2, 3])
    } throws: { "\($0)".contains("it is no ELF file") }
    #expect {
      _ = try BTF.ofObject(try elf(SampleTypes().bytes, section: ".data"))
    } throws: { "\($0)".contains("compile it with clang -g") }
  }

  /// An ELF image of three sections: none, names, and the one named.
  private func elf(_ content: [UInt8], section: String = ".BTF") throws -> [UInt8] {
    let names = [0] + Array(".names\0\(section)\0".utf8)
    var header = [UInt8](repeating: 0, count: 64)
    header.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
    header.setBits(0x28 * 8, 64, to: 64)
    header.setBits(0x3a * 8, 16, to: 64)
    header.setBits(0x3c * 8, 16, to: 3)
    header.setBits(0x3e * 8, 16, to: 1)
    func sectionHeader(name: Int, start: Int, size: Int) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 64)
      bytes.setBits(0, 32, to: UInt64(name))
      bytes.setBits(0x18 * 8, 64, to: UInt64(start))
      bytes.setBits(0x20 * 8, 64, to: UInt64(size))
      return bytes
    }
    let start = 64 * 4
    return header + sectionHeader(name: 0, start: 0, size: 0)
      + sectionHeader(name: 1, start: start, size: names.count)
      + sectionHeader(name: 8, start: start + names.count, size: content.count) + names + content
  }
}
