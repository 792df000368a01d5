// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ExampleSupport

/// Prints the value at a key.
struct GetCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Prints the value at a key; fails where there is none.",
    discussion: """
      KEY is one argument: "source=10.0.0.1 port=80", a JSON object, a number, an address, or bytes as hex:0a00. A \
      trie takes 10.0.0.0/8, and answers an address with the longest prefix. Before a negative number write --.
      """)

  @Argument(help: "A map by identifier, pin or name.")
  var map: MapArgument

  @Argument(help: "The key.")
  var key: String

  @Option(help: "Form of the output.")
  var output = OutputForm.table

  mutating func run() async throws {
    let map = try self.map.open()
    let key = try map.format.keyBytes(parsing: self.key)
    guard let values = try map.map.values(forKey: key) else { throw missing(self.key, map) }
    switch output {
    case .table: try write(try map.values(values))
    case .json: try write("{\(try map.json(BPFRawMap.Entry(key: key, values: values)))}")
    }
  }
}

/// Writes an entry.
struct SetCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Writes an entry.",
    discussion: """
      KEY and VALUE are one argument each: "source=10.0.0.1 port=80", a JSON object, a number, an address, or bytes as \
      hex:0a00. Every field must be given, except padding, which is zero. A per-CPU map gets the value on every CPU; \
      with --cpu on one, while the others keep theirs as they were when read. A map of programs or maps takes an \
      identifier. A queue or stack has no keys: write \"\". Before a negative number write --.
      """)

  enum Mode: String, ExpressibleByArgument, CaseIterable {
    case any, new, existing

    var mode: BPFUpdateMode {
      switch self {
      case .any: .any
      case .new: .new
      case .existing: .existing
      }
    }
  }

  @Argument(help: "A map by identifier, pin or name.")
  var map: MapArgument

  @Argument(help: "The key.")
  var key: String

  @Argument(help: "The value.")
  var value: String

  @Option(help: "Create or replace (any), create only (new), replace only (existing).")
  var mode = Mode.any

  @Option(help: "Per-CPU maps: the only CPU whose value is written.")
  var cpu: Int?

  mutating func run() async throws {
    let map = try self.map.open()
    let key = try map.format.keyBytes(parsing: self.key)
    let value = try map.format.valueBytes(parsing: self.value)
    var values = [[UInt8]](repeating: value, count: map.map.valueCount)
    if let cpu {
      guard map.format.info.kind.hasValuePerCPU, cpu >= 0, cpu < values.count else {
        let there =
          map.format.info.kind.hasValuePerCPU ? "it has CPUs 0 to \(values.count - 1)" : "it has one value for all"
        throw ExampleError("--cpu \(cpu) of map \"\(map.format.info.name)\": \(there)")
      }
      let zero = [UInt8](repeating: 0, count: map.format.info.valueSize)
      values = try map.map.values(forKey: key) ?? values.map { _ in zero }
      values[cpu] = value
    }
    try map.map.updateValues(values, forKey: key, mode: mode.mode)
  }
}

/// Removes an entry.
struct DeleteCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Removes an entry; fails where there is none.")

  @Argument(help: "A map by identifier, pin or name.")
  var map: MapArgument

  @Argument(help: "The key, as for `get`.")
  var key: String

  mutating func run() async throws {
    let map = try self.map.open()
    guard try map.map.removeValues(forKey: map.format.keyBytes(parsing: key)) else { throw missing(key, map) }
  }
}

private func missing(_ key: String, _ map: borrowing DescribedMap) -> ExampleError {
  ExampleError("map \"\(map.format.info.name)\" (\(map.format.info.identifier)) has no entry at \(key)")
}
