// SPDX-License-Identifier: Apache-2.0

import BPFMaps

/// Declares how the structs of `bench.bpf.c` lie in Swift; what differs from the object is refused when it is opened.
struct Key40: BPFValue, BitwiseCopyable {
  var words: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)

  static let layout = StructLayout("bench_key40", of: Self.self, fields: [.init("words", \.words)])

  init(_ number: Int) {
    words = (
      UInt32(truncatingIfNeeded: number), scatter(number), 0, 0, 0, 0, 0, 0, 0, UInt32(truncatingIfNeeded: number)
    )
  }
}

/// An IPv4 address with all of its bits.
struct LPMKey: BPFValue, BitwiseCopyable {
  var prefixLength: UInt32
  var address: UInt32

  static let layout = StructLayout(
    "bench_lpm_key", of: Self.self, fields: [.init("prefix_length", \.prefixLength), .init("address", \.address)])

  init(_ number: Int) {
    prefixLength = 32
    address = (0x0a00_0000 + (scatter(number) >> 8)).bigEndian
  }
}

/// 16 bytes.
struct Value: BPFValue, BitwiseCopyable {
  var first: UInt64
  var second: UInt64

  static let layout = StructLayout(
    "bench_value", of: Self.self, fields: [.init("first", \.first), .init("second", \.second)])

  init(_ number: Int) {
    first = UInt64(truncatingIfNeeded: number)
    second = UInt64(scatter(number))
  }
}

/// 64 bytes.
struct Record: BPFValue, BitwiseCopyable {
  var sequence: UInt64
  var fill: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  static let layout = StructLayout(
    "bench_record", of: Self.self, fields: [.init("sequence", \.sequence), .init("fill", \.fill)])
}

/// Spreads numbers over 32 bits.
func scatter(_ number: Int) -> UInt32 { UInt32(truncatingIfNeeded: number) &* 2_654_435_761 }

/// The 8-byte key of a number.
func key8(_ number: Int) -> UInt64 { UInt64(UInt32(truncatingIfNeeded: number)) | UInt64(scatter(number)) << 32 }
