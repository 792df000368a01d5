// SPDX-License-Identifier: Apache-2.0

import Foundation
import NetlinkFuzzing
import Testing

/// The slice of `make fuzz` that every run of the tests does.
@Suite("Mutated messages", .timeLimit(.minutes(15)))
struct FuzzTests {
  private func fuzzer(seed: UInt64) async throws -> Fuzzer {
    let folder = try #require(Bundle.module.resourceURL?.appending(path: "Fixtures").path)
    return Fuzzer(seeds: try Seeds.captured(in: folder) + (await Seeds.made()), seed: seed)
  }

  @Test func `every decoder gives a value or an error, and what it read comes back`() async throws {
    var fuzzer = try await fuzzer(seed: 20_261_125)
    for number in 0..<UInt64(200_000) {
      // Other tests share the threads, and some of them have deadlines.
      if number.isMultiple(of: 50) { await Task.yield() }
      fuzzer.feed(fuzzer.message(number), number: number)
    }
    let result = fuzzer.result
    #expect(result.complaints == [])
    #expect(result.messages == 200_000)
    // Most messages must reach the decoders, or nothing is tested.
    #expect(result.valuesByDecoder.count == Fuzzer.decoderCount, "\(result.valuesByDecoder)")
    #expect(result.roundTrips > 500)
    #expect(result.refusals > 10_000)
  }

  @Test func `a message of a run is made without those before it`() async throws {
    let first = try await fuzzer(seed: 7)
    let second = try await fuzzer(seed: 7)
    let messages = (0..<100).map { first.message($0) }
    #expect(second.message(57) == messages[57])
    #expect(Set(messages).count > 90)
    #expect(try await fuzzer(seed: 8).message(57) != messages[57])
  }
}
