// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
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

  @OptionGroup var choices: PolicyChoices

  func run() throws {
    throw EngineError(description: "not in this build")
  }
}
