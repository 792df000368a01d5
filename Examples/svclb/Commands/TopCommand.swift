// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport
import ServiceLB

/// Prints which services are used, again and again.
struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "Shows which services get connections: how many in each interval.",
    discussion: """
      Ends on SIGINT or SIGTERM, or after --count tables; both are success.

      Example:
        svclb top --interval 2 --limit 10
      """)

  @OptionGroup var pin: PinOption
  @OptionGroup var output: OutputOption

  @Option(help: "Seconds between two looks.")
  var interval = 1.0

  @Option(help: "End after so many tables; without it on SIGINT or SIGTERM.")
  var count: Int?

  @Option(help: "Show so many services, the busiest first.")
  var limit = 20

  func validate() throws {
    guard interval >= 0.01, interval <= 86_400 else {
      throw ValidationError("--interval \(interval): write seconds from 0.01 to 86400.")
    }
    if let count, count < 1 { throw ValidationError("--count \(count): write a number from 1.") }
    guard limit > 0 else { throw ValidationError("--limit \(limit): write a number from 1.") }
  }

  func run() async throws {
    let command = self
    do {
      try await cancellingOnInterrupt {
        do {
          try await command.watch()
        } catch is CancellationError {}
      }
    } catch let error as ExampleError where error.description.hasPrefix("interrupted") {}
  }

  private func watch() async throws {
    let balancer = try PinnedBalancer(pin.directory)
    var last = try balancer.counts()
    var done = 0
    while count.map({ done < $0 }) ?? true {
      try await Task.sleep(for: .seconds(interval))
      let now = try balancer.counts()
      let before = Dictionary(last.map { ($0.service, $0) }, uniquingKeysWith: { $1 })
      let rows = now.map { $0.since(before[$0.service]) }.filter { !$0.isQuiet }
        .sorted { ($1.translated, $0.service) < ($0.translated, $1.service) }.prefix(limit)
      switch output.form {
      case .table:
        if done > 0 { try write("") }
        try output.form.show(Array(rows), none: "nothing happened in \(interval) s")
      case .json: try write("[" + rows.map(output.form.json).joined(separator: ",") + "]")
      }
      last = now
      done += 1
    }
  }
}
