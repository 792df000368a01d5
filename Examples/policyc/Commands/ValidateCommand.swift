// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubernetesModel
import PolicyCompiler

/// Says what the API server would refuse, and what it would take without effect.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Says which manifests the API server would refuse, and which would have no effect.",
    discussion: """
      Warnings do not change the exit status: policies that a later one with the same name replaces; rules with \
      domainNames, which are not supported; policies of one tier with one priority; and with --cluster, policies whose namespace is not there and selectors \
      that select no pod.

      Example:
        policyc validate --policies policies.yaml --cluster cluster.json
      """)

  @Option(help: "The policies, YAML or JSON.")
  var policies: String

  @Option(help: "The cluster, cluster.json, to warn of policies that are for nobody in it.")
  var cluster: String?

  @Option(help: "Form of the output; json is the document that eval prints where it refuses manifests.")
  var output = OutputForm.text

  func run() throws {
    let input = try cluster.map { try Files.cluster($0) }
    let file = try PolicyFile(policies).withLines()
    let problems = file.problems
    guard problems.isEmpty else {
      switch output {
      case .json: try JSONOutput.errors(problems).write()
      case .text: for problem in problems { try write("\(policies): \(problem.text)") }
      }
      throw Failure(
        status: .refused,
        message:
          "\(policies): \(problems.count == 1 ? "there is 1 reason" : "there are \(problems.count) reasons") to refuse it"
      )
    }
    let warnings = PolicyWarning.all(file, cluster: input)
    switch output {
    case .json: try json(file, warnings).write()
    case .text:
      for warning in warnings {
        let place = warning.place?.text ?? file.place(warning.policy)
        try write("\(place): warning: \(warning.policy): \(warning.message)")
      }
      if file.omittedReplacementCount > 0 {
        try write("\(policies): warning: and \(file.omittedReplacementCount) more policies that later ones replace")
      }
      let count = file.networkPolicies.count + file.clusterPolicies.count
      try write("\(policies): \(count) \(count == 1 ? "policy" : "policies"), accepted")
    }
  }

  private func json(_ file: PolicyFile, _ warnings: [PolicyWarning]) -> JSONOutput {
    var output = JSONOutput()
    output.object { output in
      output.member("formatVersion", 1)
      output.member("errors") { $0.array { _ in } }
      output.member("policies", file.networkPolicies.count + file.clusterPolicies.count)
      output.member("warnings") { output in
        output.array(warnings) { output, warning in
          output.object { output in
            output.member("policy", "\(warning.policy)")
            output.member("message", warning.message)
            output.member("place", warning.place?.text ?? file.place(warning.policy))
            let line = warning.place.map(\.line) ?? file.lines(warning.policy)?.lowerBound
            if let line { output.member("line", line) }
          }
        }
      }
      output.member("status") { output in
        output.array(file.clusterPolicies) { output, policy in
          output.object { output in
            output.member("policy", "\(policy.reference)")
            output.member("conditions") { output in
              output.array(policy.statusConditions) { output, condition in
                output.object { output in
                  output.member("type", condition.type)
                  output.member("status", condition.isTrue ? "True" : "False")
                  output.member("reason", condition.reason)
                  output.member("message", condition.message)
                }
              }
            }
          }
        }
      }
    }
    return output
  }
}
