// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport
import PolicyCompiler

/// Prints what policies compile into.
struct CompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Prints the tables that policies compile into, or how large they are.",
    discussion: """
      Example:
        policyc compile --cluster cluster.json --policies policies.yaml --stats
      """)

  @Option(help: "The cluster, cluster.json.")
  var cluster: String

  @Option(help: "The policies, YAML or JSON.")
  var policies: String

  @Flag(help: "Numbers instead of the tables.")
  var stats = false

  @Option(help: "The tables of one node alone.")
  var node: String?

  @Option(help: "Form of the output.")
  var output = OutputForm.text

  @OptionGroup var choices: PolicyChoices

  func validate() throws {
    guard output == .text || stats else { throw ValidationError("--output json is for --stats.") }
  }

  func run() throws {
    let cluster = try Files.cluster(cluster)
    if let node, !cluster.nodes.contains(where: { $0.name == node }), !cluster.pods.contains(where: { $0.node == node })
    {
      throw Failure(status: .usage, message: "--node \(node): the cluster has no such node")
    }
    let input = cluster.with(try PolicyFile.accepted(policies))
    let scope = node.map { CompiledPolicy.Scope.node($0) } ?? .cluster
    let clock = ContinuousClock()
    let start = clock.now
    let compiled = CompiledPolicy(input, options: choices.options, scope: scope)
    // Tables are made when they are asked for.
    _ = compiled.tables
    let time = clock.now - start
    _ = try compiled.checked()
    guard stats else {
      try write(compiled.description)
      return
    }
    let rows = Self.rows(compiled.statistics, time)
    switch output {
    case .text:
      var table = TextTable(["WHAT", "HOW MANY"])
      for row in rows { table.append([row.words, row.number]) }
      try write(table.description)
    case .json:
      var json = JSONOutput()
      json.object { json in
        json.member("formatVersion", 1)
        for row in rows { json.member(row.name) { $0.raw(row.number) } }
      }
      try json.write()
    }
  }

  private struct Row {
    var name: String
    var words: String
    var number: String

    init(_ name: String, _ words: String, _ number: Int) {
      self.init(name, words, text: "\(number)")
    }

    init(_ name: String, _ words: String, text: String) {
      self.name = name
      self.words = words
      number = text
    }
  }

  private static func rows(_ statistics: PolicyStatistics, _ time: Duration) -> [Row] {
    let milliseconds = Int(time / .milliseconds(1) * 1000)
    return [
      Row("pods", "pods", statistics.pods), Row("policies", "policies", statistics.policies),
      Row("classes", "classes of peers", statistics.classes), Row("peers", "addresses with a class", statistics.peers),
      Row("ruleSets", "rule sets", statistics.ruleSets), Row("verdicts", "verdicts", statistics.verdicts),
      Row("addressRanges", "address ranges", statistics.addressRanges),
      Row("portTables", "port tables", statistics.portTables), Row("portRanges", "port ranges", statistics.portRanges),
      Row("portBlocks", "the same as prefix blocks", statistics.portBlocks),
      Row("entries", "entries of all maps", statistics.entries), Row("bytes", "bytes of all maps", statistics.bytes),
      Row("naiveEntries", "entries if each pod had its own rules", statistics.naiveEntries),
      Row(
        "milliseconds", "milliseconds to compile",
        text: "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())"),
    ]
  }
}
