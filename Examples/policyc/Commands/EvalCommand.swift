// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PolicyCompiler

/// Prints the verdict of every probe.
struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Prints the verdict of every probe as JSON.",
    discussion: """
      The output is {"formatVersion":1,"results":[{"verdict":"allow","egress":"allow","ingress":"allow"},…]}, in the order \
      of the probes; where a manifest is refused {"formatVersion":1,"errors":[…]}, and the exit status is 2.

      The engines must agree: reference walks the policies as the API's text has it; tables compiles them and reads the \
      result in user space; kernel sends packets through the real programs, and needs root. auto takes the reference for few \
      probes, and where tables cannot hold the policies; else the tables.

      Example:
        policyc eval --cluster cluster.json --policies policies.yaml --probes probes.json
      """)

  @Option(help: "The cluster, cluster.json.")
  var cluster: String

  @Option(help: "The policies, YAML or JSON.")
  var policies: String

  @Option(help: "The connections to judge, probes.json.")
  var probes: String

  @Option(help: "Who judges.")
  var engine = EngineName.auto

  @OptionGroup var choices: PolicyChoices

  func run() throws {
    let input = try Files.cluster(cluster)
    let probes = try Files.probes(probes, cluster: input)
    let file = try PolicyFile(policies)
    if !file.problems.isEmpty {
      let problems = file.withLines().problems
      try JSONOutput.errors(problems).write()
      throw Failure(status: .refused, message: "\(policies): \(problems[0].text)")
    }
    let engine = try engine.engine(input.with(file), options: choices.options, for: probes)
    var output = JSONOutput()
    output.reserve(64 * probes.groups.reduce(64) { $0 + $1.count })
    output.raw(#"{"formatVersion":1,"results":["#)
    var separator: [UInt8] = []
    try probes.forEachBatch { batch in
      for answer in try engine.answers(to: batch) {
        output.append(separator)
        output.append(Self.results[(answer.egress ? 2 : 0) + (answer.ingress ? 1 : 0)])
        separator = [UInt8(ascii: ","), 0x0A]
      }
    }
    output.append(Array("]}".utf8))
    try output.write()
  }

  /// There are four results.
  private static let results: [[UInt8]] = [(false, false), (false, true), (true, false), (true, true)].map {
    egress, ingress in
    func word(_ isAllowed: Bool) -> String { isAllowed ? "allow" : "deny" }
    return Array(
      #"{"verdict":"\#(word(egress && ingress))","egress":"\#(word(egress))","ingress":"\#(word(ingress))"}"#.utf8)
  }
}
