// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ExampleSupport
import Foundation

/// Prints which programs run, how often and how long.
struct TopCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "Shows which programs take time: runs and nanoseconds in each interval.",
    discussion: """
      The kernel counts the run times of all programs while this runs, which costs each run two readings of the clock. \
      CPU is the share of one processor. Programs that did not run are left out unless they are named.

      Ends on SIGINT or SIGTERM, or after --count tables. Exit status: 0 when it ended so, 1 for a failure, 2 for wrong \
      usage.
      """)

  @Argument(help: "Programs by identifier, pin or name; all when none is named.")
  var programs: [ProgramArgument] = []

  @OptionGroup var rounds: Rounds

  @Option(help: "Show so many programs, those first that take the most time.")
  var limit = 20

  @Option(help: "Form of the output.")
  var output = OutputForm.table

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit \(limit): write a number from 1.") }
  }

  mutating func run() async throws {
    let command = self
    try await endingOnInterrupt { try await command.watch() }
  }

  private func watch() async throws {
    let counting = try BPFRunTimeCounting()
    let clock = ContinuousClock()
    var last = try sample()
    var time = clock.now
    var done = 0
    while rounds.count.map({ done < $0 }) ?? true {
      try await Task.sleep(for: .seconds(rounds.interval))
      let now = try sample()
      let end = clock.now
      let seconds = (end - time) / .seconds(1)
      try show(rows(last, now, seconds))
      (last, time) = (now, end)
      done += 1
    }
    _ = consume counting
  }

  private func sample() throws -> [UInt32: BPFProgramInfo] {
    guard !programs.isEmpty else {
      return Dictionary(try BPFProgramInfo.all().map { ($0.identifier, $0) }, uniquingKeysWith: { $1 })
    }
    var result: [UInt32: BPFProgramInfo] = [:]
    for program in programs {
      let info = try program.information()
      result[info.identifier] = info
    }
    return result
  }

  private func rows(
    _ last: [UInt32: BPFProgramInfo], _ now: [UInt32: BPFProgramInfo], _ seconds: Double
  ) -> [TopRow] {
    let rows = now.values.compactMap { info -> TopRow? in
      let before = last[info.identifier]
      // A program that was loaded meanwhile ran only since.
      let runs = info.runCount - min(before?.runCount ?? 0, info.runCount)
      let time = info.runTime - min(before?.runTime ?? 0, info.runTime)
      guard runs > 0 || !programs.isEmpty else { return nil }
      return TopRow(info, runs: runs, time: time, seconds: seconds)
    }
    let sorted = rows.sorted { ($0.nanoseconds, $1.id) > ($1.nanoseconds, $0.id) }
    return Array(sorted.prefix(limit))
  }

  private func show(_ rows: [TopRow]) throws {
    switch output {
    case .json: try write("[" + (try rows.map { try $0.json() }).joined(separator: ",") + "]")
    case .table:
      var table = TextTable(TopRow.columns)
      for row in rows { table.append(row.cells) }
      try write("\(table)\n")
    }
  }
}

/// What a program did in one interval.
struct TopRow: Row {
  let id: UInt32
  let type: String
  let name: String
  /// In the interval.
  let runs: UInt64
  let nanoseconds: UInt64
  let runsPerSecond: Double
  let nanosecondsPerRun: Double
  let cpuPercent: Double
  /// Since times are counted.
  let runCnt: UInt64
  let runTimeNs: UInt64

  init(_ info: BPFProgramInfo, runs: UInt64, time: UInt64, seconds: Double) {
    id = info.identifier
    type = info.kind.description
    name = info.name
    self.runs = runs
    nanoseconds = time
    runsPerSecond = seconds > 0 ? Double(runs) / seconds : 0
    nanosecondsPerRun = runs > 0 ? Double(time) / Double(runs) : 0
    cpuPercent = seconds > 0 ? Double(time) / seconds / 1e7 : 0
    runCnt = info.runCount
    runTimeNs = info.runTime
  }

  static let columns = ["ID", "NAME", "TYPE", "CPU", "RUNS/S", "NS/RUN", "RUNS"]

  var cells: [String] {
    [
      "\(id)", name, type, String(format: "%.2f %%", cpuPercent), String(format: "%.0f", runsPerSecond),
      String(format: "%.0f", nanosecondsPerRun), "\(runCnt)",
    ]
  }
}
