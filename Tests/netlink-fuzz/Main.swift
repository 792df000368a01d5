// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport
import Foundation
import NetlinkFuzzing

/// Parses, and fuzzes; 1 is the status of a failure, 2 of wrong usage.
@main
enum Main {
  static func main() async { await NetlinkFuzzCommand.runAndExit() }
}

/// Every decoder of NetlinkKit, fed with messages that are nearly right.
struct NetlinkFuzzCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "netlink-fuzz",
    abstract: "Feeds every decoder of NetlinkKit with mutated messages.",
    discussion: """
      Prints progress to standard error and one JSON line to standard output. The message under way is in the file \
      that --current names, with its number: when a decoder traps, it is there, and --replay FILE feeds it again, as \
      does --start NUMBER --messages 1 with the same seed. A message that takes longer than --patience ends the run.

      Needs no privileges. Exit status: 0; 1 when what was read cannot be written again or is read as something else; \
      2 for wrong usage; 3 for a message that takes too long; that of the trap otherwise.
      """)

  @Option(help: "How many messages.") var messages: UInt64 = 1_000_000
  @Option(help: "The same seed gives the same messages.") var seed: UInt64 = 1
  @Option(help: "The number of the first message.") var start: UInt64 = 0
  @Option(help: "Stop after so many seconds; 0 for never.") var seconds: Double = 0
  @Option(help: "How many seconds one message may take.") var patience: Double = 5
  @Option(help: "The folder of captured messages.") var corpus = "Tests/NetlinkKitTests/Fixtures"
  @Option(help: "Where the message under way is kept.") var current = "netlink-fuzz.current"
  @Option(help: "Feed the message in this file, and no other.") var replay: String?

  func validate() throws {
    guard patience > 0, seconds >= 0 else { throw ValidationError("Times must not be negative, nor --patience 0.") }
    guard FileManager.default.fileExists(atPath: corpus) else {
      throw ValidationError("There is no folder \(corpus); --corpus names one with .hex files.")
    }
  }

  func run() async throws {
    let seeds = try Seeds.captured(in: corpus) + (await Seeds.made())
    var fuzzer = Fuzzer(seeds: seeds, seed: seed)
    let started = ContinuousClock.now
    let place = try CurrentMessage(path: current, patience: patience)
    if let replay {
      let message = try CurrentMessage.read(replay)
      place.begin(message, number: 0)
      fuzzer.feed(message, number: 0)
      place.end()
    } else {
      say("\(seeds.count) messages to begin with, \(Fuzzer.decoderCount) decoders, seed \(seed)")
      var number = start
      let (end, overflow) = start.addingReportingOverflow(messages)
      while number < (overflow ? .max : end) {
        let message = fuzzer.message(number)
        place.begin(message, number: number)
        fuzzer.feed(message, number: number)
        number += 1
        guard number % 100_000 == 0 else { continue }
        let elapsed = ContinuousClock.now - started
        say("\(number) messages, \(fuzzer.result.values) values, \(elapsed); --seed \(seed) --start \(number)")
        if seconds > 0, elapsed > .seconds(seconds) { break }
      }
      place.end()
    }
    try report(fuzzer.result, ContinuousClock.now - started, seeds.count)
  }

  private func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

  private func report(_ result: Fuzzer.Result, _ elapsed: Duration, _ seeds: Int) throws {
    let (whole, attoseconds) = elapsed.components
    let row: [String: Any] = [
      "messages": result.messages, "seed": seed, "start": start, "seeds": seeds, "decoders": Fuzzer.decoderCount,
      "values": result.values, "refusals": result.refusals, "round_trips": result.roundTrips,
      "values_by_decoder": result.valuesByDecoder, "complaints": result.complaints,
      "seconds": (Double(whole) + Double(attoseconds) / 1e18).rounded(),
    ]
    let json = try JSONSerialization.data(withJSONObject: row, options: [.sortedKeys, .withoutEscapingSlashes])
    FileHandle.standardOutput.write(json + Data("\n".utf8))
    if !result.complaints.isEmpty { throw ExitCode(1) }
  }
}
