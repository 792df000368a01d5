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
      Warnings do not change the exit status: rules with domainNames, which are not supported; policies of one tier with \
      one priority; two documents with one name; and with --cluster, policies whose namespace is not there and selectors \
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
    let (file, problems) = try PolicyFile.read(policies)
    guard problems.isEmpty else {
      switch output {
      case .json: try JSONOutput.errors(problems).write()
      case .text: for problem in problems { try write("\(policies): \(problem.text)") }
      }
      throw Failure(
        status: .refused,
        message: "\(policies): \(problems.count == 1 ? "a manifest is" : "\(problems.count) manifests are") refused")
    }
    let warnings = PolicyWarning.all(file, cluster: input)
    switch output {
    case .json: try json(file, warnings).write()
    case .text:
      for warning in warnings { try write("\(file.place(warning.policy)): warning: \(warning.policy): \(warning.message)") }
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
            output.member("place", file.place(warning.policy))
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

/// Something that is accepted, but hardly meant.
struct PolicyWarning {
  var policy: PolicyReference
  var message: String

  static func all(_ file: PolicyFile, cluster: PolicyInput?) -> [PolicyWarning] {
    var warnings: [PolicyWarning] = []
    let network = file.networkPolicies.map { (PolicyReference(.networkPolicy, $0.key), $0) }
    for (reference, count) in counts(network.map(\.0) + file.clusterPolicies.map(\.reference)) where count > 1 {
      warnings.append(.init(policy: reference, message: "is there \(count) times; the last one counts"))
    }
    for policy in file.clusterPolicies {
      for limit in policy.enforcementLimits {
        warnings.append(.init(policy: policy.reference, message: "\(limit.path) \(limit.message)"))
      }
    }
    warnings += ties(file.clusterPolicies)
    if let cluster { warnings += withoutPods(network, file.clusterPolicies, cluster) }
    return warnings
  }

  private static func counts(_ references: [PolicyReference]) -> [(PolicyReference, Int)] {
    Dictionary(references.map { ($0, 1) }, uniquingKeysWith: +).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private static func ties(_ policies: [ClusterPolicyObject]) -> [PolicyWarning] {
    struct Rank: Hashable {
      var tier: ClusterPolicy.Tier
      var priority: Int32
    }
    let latest = Dictionary(policies.map { ($0.reference, $0) }, uniquingKeysWith: { $1 }).values
    let ranks = Dictionary(grouping: latest) { Rank(tier: $0.spec.tier, priority: $0.spec.priority) }
    return ranks.values.filter { $0.count > 1 }.flatMap { group in
      let names = group.map(\.reference).sorted()
      return names.dropFirst().map { name in
        PolicyWarning(
          policy: name,
          message: "has the tier and the priority of \(names[0]); which is asked first is not defined by the API")
      }
    }.sorted { $0.policy < $1.policy }
  }

  private static func withoutPods(
    _ network: [(PolicyReference, NetworkPolicy)], _ policies: [ClusterPolicyObject], _ cluster: PolicyInput
  ) -> [PolicyWarning] {
    let pods = cluster.pods.filter { !$0.isHostNetwork }
    let byNamespace = Dictionary(grouping: pods, by: \.key.namespace)
    var warnings: [PolicyWarning] = []
    for (reference, policy) in network {
      guard cluster.namespaces[policy.metadata.namespace] != nil else {
        warnings.append(.init(policy: reference, message: "is in a namespace that the cluster does not have"))
        continue
      }
      let candidates = byNamespace[policy.metadata.namespace] ?? []
      if !candidates.contains(where: { policy.spec.podSelector.matches($0.labels) }) {
        warnings.append(.init(policy: reference, message: "selects no pod"))
      }
    }
    for policy in policies {
      let selects = pods.contains { pod in
        let labels = cluster.namespaces[pod.key.namespace] ?? [:]
        switch policy.spec.subject {
        case .namespaces(let selector): return selector.matches(labels)
        case .pods(let selector):
          return selector.namespaceSelector.matches(labels) && selector.podSelector.matches(pod.labels)
        }
      }
      if !selects { warnings.append(.init(policy: policy.reference, message: "selects no pod")) }
    }
    return warnings
  }
}
