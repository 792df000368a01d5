// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubernetesModel
import PolicyCompiler

/// Says why a connection may be or may not, or what a change of policies changes.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Says what decides about a connection, or what a change of policies changes.",
    discussion: """
      Says what is enforced: the verdict comes from the compiled tables, and must be that of the policies themselves, which \
      are walked beside it; where the two differ the command fails.

      Examples:
        policyc explain --cluster cluster.json --policies policies.yaml --from shop/web --to shop/db --port 5432/TCP
        policyc explain --cluster cluster.json --diff old.yaml new.yaml --svg reach.svg

      --diff compares two sets of policies over all pods (those that no policy tells apart count as one), the nodes, an \
      address of each block that a policy names, and the ports that a rule names and one other.
      """)

  @Option(help: "The cluster, cluster.json.")
  var cluster: String

  @Option(help: "The policies, YAML or JSON.")
  var policies: String?

  @Option(help: "Who connects: namespace/name, or an address.")
  var from: String?

  @Option(help: "Where to: namespace/name, or an address.")
  var to: String?

  @Option(help: "The destination port and the protocol, such as 80/TCP or 80.")
  var port: String?

  @Flag(help: "Compares the two files of policies that are named as arguments, the old one first.")
  var diff = false

  @Argument(help: "With --diff: the old policies and the new ones.")
  var files: [String] = []

  @Option(help: "With --diff: writes a matrix of what reaches what into this file.")
  var svg: String?

  @Option(help: "Form of the output.")
  var output = OutputForm.text

  @OptionGroup var choices: PolicyChoices

  func validate() throws {
    if diff {
      guard files.count == 2 else {
        throw ValidationError("--diff needs two files: the old policies and the new ones.")
      }
      guard policies == nil, from == nil, to == nil, port == nil else {
        throw ValidationError("--diff compares everything; leave out --policies, --from, --to and --port.")
      }
      return
    }
    guard files.isEmpty, svg == nil else { throw ValidationError("Files and --svg are for --diff.") }
    guard policies != nil, from != nil, to != nil, port != nil else {
      throw ValidationError("Say which connection: --policies, --from, --to and --port; or compare with --diff.")
    }
  }

  func run() throws {
    let input = try Files.cluster(cluster)
    if diff {
      try compare(input)
    } else {
      try explain(input)
    }
  }

  private func explain(_ cluster: PolicyInput) throws {
    let probe = PolicyProbe(
      from: try end(from ?? "", cluster, "--from"), to: try end(to ?? "", cluster, "--to"),
      protocol: try probePort().protocol, port: try probePort().number)
    let file = try PolicyFile.accepted(policies ?? "")
    let policies = CheckedPolicies(cluster.with(file), options: choices.options)
    guard let explanation = try policies.explain(probe) else {
      throw Failure(
        status: .usage, message: "\(probe.source.text) and \(probe.destination.text) have no address family in common")
    }
    let report = ExplanationReport(probe: probe, explanation: explanation, file: file)
    switch output {
    case .text: try write(report.text)
    case .json: try report.json.write()
    }
  }

  private func end(_ text: String, _ cluster: PolicyInput, _ option: String) throws -> PolicyEnd {
    guard let end = PolicyEnd(text: text) else {
      throw Failure(status: .usage, message: "\(option) \(text): is neither namespace/name nor an IP address")
    }
    if case .pod(let key) = end, !cluster.pods.contains(where: { $0.key == key }) {
      throw Failure(status: .usage, message: "\(option) \(text): the cluster has no such pod")
    }
    return end
  }

  /// Both `80/TCP` and `TCP/80` are understood.
  private func probePort() throws -> ProbePort {
    let text = port ?? ""
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let turned = parts.count == 1 ? "TCP/\(text)" : parts.reversed().joined(separator: "/").uppercased()
    guard let port = ProbePort(turned) ?? ProbePort(text.uppercased()) else {
      throw Failure(
        status: .usage, message: "--port \(text): write a number from 1 to 65535, and TCP, UDP or SCTP: 80/TCP")
    }
    return port
  }

  private func compare(_ cluster: PolicyInput) throws {
    let old = try PolicyFile.accepted(files[0])
    let new = try PolicyFile.accepted(files[1])
    let comparison: PolicyComparison
    do {
      comparison = try PolicyComparison(
        old: cluster.with(old), new: cluster.with(new), options: choices.options)
      if let svg { try ReachabilityMatrix(comparison).write(to: svg, old: old.name, new: new.name) }
    } catch let error as InputError {
      throw Failure(status: .unusable, message: "\(error)")
    }
    let report = try ComparisonReport(comparison: comparison, old: old, new: new)
    switch output {
    case .text: try write(report.text)
    case .json: try report.json.write()
    }
  }
}
