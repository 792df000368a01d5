// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ExampleSupport

/// Prints every entry of a map.
struct DumpCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump", abstract: "Prints every entry of a map.",
    discussion: "What is printed as a key or value in a table can be given to `get`, `set` and `delete`.")

  @Argument(help: "A map by identifier, pin or name.")
  var map: MapArgument

  @Option(help: "End after so many entries.")
  var limit: Int?

  @Option(help: "Form of the output.")
  var output = OutputForm.table

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit \(limit): write a number from 1.") }
  }

  mutating func run() async throws {
    let map = try self.map.open()
    switch output {
    case .json: try writeJSON(map)
    case .table: try writeTable(map)
    }
  }

  /// As it is read: maps can hold millions of entries.
  private func writeJSON(_ map: borrowing DescribedMap) throws {
    var writer = ListWriter()
    try visit(map) { try writer.append("{\(try map.json($0))}") }
    try writer.end()
  }

  private func writeTable(_ map: borrowing DescribedMap) throws {
    let isPerCPU = map.format.info.kind.hasValuePerCPU
    var table = TextTable(isPerCPU ? ["KEY", "CPU", "VALUE"] : ["KEY", "VALUE"])
    try visit(map) { entry in
      let key = try map.key(entry)
      for (cpu, value) in entry.values.enumerated() {
        let text = try map.format.value(of: value).description
        table.append(isPerCPU ? [key, "\(cpu)", text] : [key, text])
      }
    }
    try write(table.description)
  }

  private func visit(_ map: borrowing DescribedMap, _ body: (BPFRawMap.Entry) throws -> Void) throws {
    let limit = limit ?? .max
    var done = 0
    var failure: (any Error)?
    try map.map.forEachEntry { entry in
      do { try body(entry) } catch { failure = error }
      done += 1
      return done < limit && failure == nil
    }
    if let failure { throw failure }
  }
}
