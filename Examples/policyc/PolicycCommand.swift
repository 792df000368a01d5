// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PolicyCompiler

/// Evaluates, explains, compares, validates and compiles network policies, without a cluster.
struct PolicycCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policyc",
    abstract: "Says what Kubernetes network policies allow, and why; without a cluster and without privileges.",
    discussion: """
      Policies are files of YAML or JSON: NetworkPolicy (networking.k8s.io/v1), AdminNetworkPolicy and \
      BaselineAdminNetworkPolicy (policy.networking.k8s.io/v1alpha1), ClusterNetworkPolicy (v1alpha2), and lists of them.

      Exit status: 0; 2 where a manifest is refused; 64 for wrong usage; 65 where the cluster or the probes cannot be \
      used; 1 for any other failure.

      Example:
        policyc explain --cluster cluster.json --policies policies.yaml --from shop/web --to shop/db --port 5432/TCP
      """,
    subcommands: [EvalCommand.self, ExplainCommand.self, ValidateCommand.self, CompileCommand.self])
}

/// How results are printed.
enum OutputForm: String, ExpressibleByArgument, CaseIterable { case text, json }

/// Choices that the Kubernetes API leaves open.
struct PolicyChoices: ParsableArguments {
  @Flag(
    name: .customLong("own-node"), inversion: .prefixedNo,
    help: "Whether NetworkPolicy lets a pod and its own node reach each other, as probes of the kubelet need.")
  var allowsOwnNode = true

  var options: PolicyOptions { PolicyOptions(allowsOwnNode: allowsOwnNode) }
}
