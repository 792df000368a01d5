// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ExampleSupport

/// Prints what changes in a map.
struct WatchCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Prints what is added to a map, changed in it and removed from it.",
    discussion: """
      One line per change, from comparing one look at the map with the last. What happens and is undone between two \
      looks is not seen. The first line says how many entries there were to begin with.

      Ends on SIGINT or SIGTERM, or after --count looks. Exit status: 0 when it ended so, 1 for a failure, 2 for wrong \
      usage.
      """)

  @Argument(help: "A map by identifier, pin or name.")
  var map: MapArgument

  @OptionGroup var rounds: Rounds

  @Option(help: "Form of the output.")
  var output = OutputForm.table

  mutating func run() async throws {
    let command = self
    try await endingOnInterrupt { try await command.watch() }
  }

  private func watch() async throws {
    let map = try self.map.open()
    var last = try snapshot(map)
    let name = map.format.info.name
    try write(
      output == .json
        ? "{\"event\":\"synchronised\",\"entries\":\(last.count)}"
        : "synchronised map \"\(name)\", \(last.count) entries")
    var done = 0
    while rounds.count.map({ done < $0 }) ?? true {
      try await Task.sleep(for: .seconds(rounds.interval))
      let now = try snapshot(map)
      try compare(last, now, map)
      last = now
      done += 1
    }
  }

  private typealias Snapshot = [[UInt8]: [[UInt8]]]

  private func snapshot(_ map: borrowing DescribedMap) throws -> Snapshot {
    var entries: Snapshot = [:]
    try map.map.forEachEntry { entry in
      entries[entry.key] = entry.values
      return true
    }
    return entries
  }

  private func compare(_ last: Snapshot, _ now: Snapshot, _ map: borrowing DescribedMap) throws {
    for key in Set(last.keys).union(now.keys).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      switch (last[key], now[key]) {
      case (nil, let values?): try show("added", key, values, nil, map)
      case (let values?, nil): try show("removed", key, values, nil, map)
      case (let old?, let new?) where old != new: try show("changed", key, new, old, map)
      default: continue
      }
    }
  }

  private func show(
    _ event: String, _ key: [UInt8], _ values: [[UInt8]], _ previous: [[UInt8]]?, _ map: borrowing DescribedMap
  ) throws {
    let entry = BPFRawMap.Entry(key: key, values: values)
    switch output {
    case .json:
      let before = try previous.map { ",\"previous\":{\(try map.json(BPFRawMap.Entry(key: key, values: $0)))}" }
      try write("{\"event\":\"\(event)\",\(try map.json(entry))\(before ?? "")}")
    case .table:
      let before = try previous.map { " (was \(try map.values($0)))" }
      try write("\(event) \(try map.key(entry)): \(try map.values(values))\(before ?? "")")
    }
  }
}
