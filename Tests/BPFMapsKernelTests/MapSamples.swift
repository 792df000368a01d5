// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CAllocationCounter

/// `struct statistic` of the programs, declared in Swift.
struct Statistic: BPFValue, BitwiseCopyable {
  var packets: UInt64 = 0
  var bytes: UInt64 = 0
  var lastLength: UInt32 = 0
  var padding: UInt32 = 0

  static let layout = StructLayout(
    "statistic", of: Self.self,
    fields: [
      .init("packets", \.packets), .init("bytes", \.bytes), .init("last_length", \.lastLength),
      .init("padding", \.padding),
    ])
}

/// A hash of 32-bit keys that belongs to one test.
func makeHash(
  _ count: UInt32 = 1024, kind: BPFMapKind = .hash, flags: BPFMapFlags = []
) throws(BPFError) -> BPFHashMap<UInt32, UInt64> {
  try .create(name: "test", kind: kind, maximumEntryCount: count, flags: flags)
}

/// A map that several tasks share by reference.
final class Shared<Map: BPFMapProtocol & ~Copyable>: Sendable {
  let value: Map

  init(_ value: consuming Map) { self.value = value }
}

/// The fewest blocks that a round of calls took from the heap: what other threads took shows in some of them
/// only.
func allocations(calls: Int = 100, rounds: Int = 20, _ body: () throws -> Void) rethrows -> UInt64 {
  try body()
  var fewest = UInt64.max
  for _ in 0..<rounds {
    let before = allocation_count()
    for _ in 0..<calls { try body() }
    fewest = min(fewest, allocation_count() - before)
  }
  return fewest
}
