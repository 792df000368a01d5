// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BenchSupport
import ClusterState
import ExampleSupport
import Foundation
import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// The compiler of policies, one JSON line for each operation.
@main
struct PolicyBenchCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy-bench",
    abstract: "Measures the compilation of network policies.",
    discussion: """
      Makes a cluster, and prints one JSON line per operation, in milliseconds: parse (the policies as a stream of \
      manifests), build (all of it to tables), query (a verdict for each pair of sampled pods, TCP port 9000; fnv is the \
      FNV-1a of the verdicts as '0' and '1', row by row), and one change of a pod, a label and a policy to new tables.

      Example: policy-bench --pods 10000 --policies 1000

      Needs no privileges. Exit status: 0, 1 for a failure, 2 for wrong usage.
      """)

  @Option(help: "Namespaces, 1 to 60000.")
  var namespaces = 1000

  @Option(help: "Pods, 1 to 1000000.")
  var pods = 100_000

  @Option(help: "NetworkPolicies, 1 to 1000000; ten AdminNetworkPolicies come with them.")
  var policies = 10_000

  @Option(help: "AdminNetworkPolicies for all pods, each about those of twenty namespaces, 0 to 100.")
  var broad = 0

  @Option(help: "How often each operation is repeated, 1 to 1000.")
  var rounds = 5

  func validate() throws {
    guard (1...60_000).contains(namespaces) else { throw ValidationError("--namespaces must be 1 to 60000.") }
    guard (1...1_000_000).contains(pods) else { throw ValidationError("--pods must be 1 to 1000000.") }
    guard (1...1_000_000).contains(policies) else { throw ValidationError("--policies must be 1 to 1000000.") }
    guard (0...100).contains(broad) else { throw ValidationError("--broad must be 0 to 100.") }
    guard (1...1000).contains(rounds) else { throw ValidationError("--rounds must be 1 to 1000.") }
  }

  func run() async throws {
    let input = BenchCluster(namespaces: namespaces, pods: pods, policies: policies, broad: broad).input
    try measureParsing(input)
    var policy = try measureBuilding(input)
    measureQueries(input, policy)
    var changes = Changes(input: input, namespaces: namespaces, broad: broad, rounds: max(rounds * 6, 30))
    changes.measure(&policy, sizes(policy))
    Measurement.reportPeakMemory()
  }

  private func measureParsing(_ input: PolicyInput) throws {
    var stream: [UInt8] = []
    let encoder = JSONEncoder()
    for policy in input.networkPolicies {
      stream += Array("---\n".utf8) + (try encoder.encode(policy)) + Array("\n".utf8)
    }
    var measurement = Measurement("parse", unit: .milliseconds, chunks: rounds)
    for _ in 0..<rounds {
      measurement.call {
        let manifests = PolicyManifests(bytes: stream)
        precondition(manifests.policies.count == input.networkPolicies.count)
        return 1
      }
    }
    measurement.report(#","policies":\#(input.networkPolicies.count),"bytes":\#(stream.count)"#)
  }

  private func measureBuilding(_ input: PolicyInput) throws -> CompiledPolicy {
    var measurement = Measurement("build", unit: .milliseconds, chunks: rounds)
    var policy = CompiledPolicy(PolicyInput())
    for _ in 0..<rounds {
      policy = CompiledPolicy(PolicyInput())
      measurement.call {
        policy = CompiledPolicy(input)
        return 1
      }
    }
    let statistics = policy.statistics
    measurement.report(
      sizes(policy)
        + #","classes":\#(statistics.classes),"rule_sets":\#(statistics.ruleSets),"verdicts":\#(statistics.verdicts),"#
        + #""naive_entries":\#(statistics.naiveEntries)"#)
    return policy
  }

  /// Pods, policies, entries and bytes.
  private func sizes(_ policy: CompiledPolicy) -> String {
    let statistics = policy.statistics
    return #","pods":\#(statistics.pods),"policies":\#(statistics.policies),"entries":\#(statistics.entries),"#
      + #""bytes":\#(statistics.bytes)"#
  }

  private func measureQueries(_ input: PolicyInput, _ policy: CompiledPolicy) {
    // Whole namespaces: that is where most of the traffic is.
    let sample = input.pods.map(\.key).sorted().prefix(1000)
    var measurement = Measurement("query", unit: .milliseconds, chunks: rounds)
    var allowed = 0
    var hash: UInt64 = 0
    for _ in 0..<rounds {
      measurement.call {
        allowed = 0
        hash = 0xCBF2_9CE4_8422_2325
        for source in sample {
          for destination in sample {
            let probe = PolicyProbe(from: .pod(source), to: .pod(destination), protocol: .tcp, port: 9000)
            let isAllowed = policy.answer(probe)?.isAllowed == true
            allowed += isAllowed ? 1 : 0
            hash = (hash ^ (isAllowed ? 0x31 : 0x30)) &* 0x0000_0100_0000_01B3
          }
        }
        return 1
      }
    }
    let digits = String(hash, radix: 16)
    measurement.report(
      #","sampled":\#(sample.count),"allowed":\#(allowed),"fnv":""#
        + String(repeating: "0", count: 16 - digits.count) + digits + #"""# + sizes(policy))
  }
}

/// One change after the other, each taken back again.
private struct Changes {
  let input: PolicyInput
  let namespaces: Int
  let broad: Int
  let rounds: Int

  mutating func measure(_ policy: inout CompiledPolicy, _ sizes: String) {
    measure("change.pod", &policy, sizes) { number in
      var pod = input.pods[number * 777 % input.pods.count]
      pod.key.name += "-new"
      pod.addresses = [.v4(IPv4Address(10, 250, UInt8(number / 250), UInt8(number % 250)))]
      return (.pod(pod.key, pod), .pod(pod.key, nil))
    }
    measure("change.label", &policy, sizes) { number in
      let old = input.pods[number * 977 % input.pods.count]
      var pod = old
      pod.labels["app"] = pod.labels["app"] == "db" ? "cache" : "db"
      return (.pod(pod.key, pod), .pod(pod.key, old))
    }
    measure("change.policy", &policy, sizes) { number in
      let old = input.networkPolicies[number * 1009 % input.networkPolicies.count]
      var changed = old
      let peer = NetworkPolicy.Peer(podSelector: LabelSelector(matchLabels: ["app": "queue", "tier": "front"]))
      changed.spec.ingress.append(.init(ports: [.init(port: 7777)], from: [peer]))
      return (.networkPolicy(old.key, changed), .networkPolicy(old.key, old))
    }
    if broad > 0 { measureBroad(&policy, sizes) }
  }

  /// Edits of policies that are for every pod.
  private func measureBroad(_ policy: inout CompiledPolicy, _ sizes: String) {
    func edit(_ number: Int, _ body: (inout BenchCluster.Broad) -> Void) -> (PolicyChange, PolicyChange) {
      let old = BenchCluster.Broad(number % broad, namespaces: namespaces)
      var new = old
      body(&new)
      return (.clusterPolicy(old.policy.reference, new.policy), .clusterPolicy(old.policy.reference, old.policy))
    }
    measure("change.broad.port", &policy, sizes) { edit($0) { $0.port = 5000 } }
    measure("change.broad.peer", &policy, sizes) { edit($0) { $0.peers.removeLast() } }
    measure("change.broad.priority", &policy, sizes) { edit($0) { $0.priority = 99 } }
  }

  private func measure(
    _ op: String, _ policy: inout CompiledPolicy, _ sizes: String,
    _ change: (Int) -> (there: PolicyChange, back: PolicyChange)
  ) {
    var measurement = Measurement(op, unit: .milliseconds, chunks: rounds)
    var touched = 0
    for number in 0..<rounds {
      let (there, back) = change(number)
      measurement.call {
        let delta = policy.apply([there])
        touched += delta.endpoints.count + delta.peers.count + delta.ruleSets.count + delta.verdicts.count
        return 1
      }
      policy.apply([back])
    }
    measurement.report(sizes + #","touched":\#(touched / rounds)"#)
  }
}
