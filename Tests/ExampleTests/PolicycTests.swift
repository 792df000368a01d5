// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation
import KubernetesModel
import NetworkTypes
import PolicyCompiler
import PolicyTestSupport
import Testing

@testable import policyc

@Suite("policyc", .timeLimit(.minutes(5)))
struct PolicycTests {
  // MARK: eval

  @Test func `eval prints one verdict for each probe, in their order`() async throws {
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run(
      "eval", "--cluster", "cluster.json", "--policies", "new.yaml", "--probes", "probes.json", "--engine", "reference")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    #expect(
      outcome.output == """
        {"formatVersion":1,"results":[{"verdict":"allow","egress":"allow","ingress":"allow"},
        {"verdict":"deny","egress":"allow","ingress":"deny"},
        {"verdict":"deny","egress":"allow","ingress":"deny"},
        {"verdict":"deny","egress":"allow","ingress":"deny"},
        {"verdict":"deny","egress":"deny","ingress":"allow"}]}

        """)
  }

  @Test func `without policies and without groups there are no results`() async throws {
    let fixture = try PolicycFixture()
    try fixture.write("empty.yaml", "\u{FEFF}---\n---\n# nothing\n")
    try fixture.write("none.json", #"{"groups":[],"formatVersion":1.0}"#)
    let outcome = try await fixture.run(
      "eval", "--cluster", "cluster.json", "--policies", "empty.yaml", "--probes", "none.json", "--engine", "reference")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == #"{"formatVersion":1,"results":[]}"# + "\n")
  }

  @Test func `own node is a choice`() async throws {
    let fixture = try PolicycFixture()
    try fixture.write(
      "probes.json",
      #"{"formatVersion":1,"groups":[{"from":["172.18.0.3"],"to":["shop/db"],"ports":["TCP/1"]}]}"#)
    for (flag, verdict) in [("--own-node", "allow"), ("--no-own-node", "deny")] {
      let outcome = try await fixture.run(
        "eval", "--cluster", "cluster.json", "--policies", "old.yaml", "--probes", "probes.json", flag, "--engine",
        "reference")
      #expect(outcome.output.contains(#"{"verdict":"\#(verdict)""#))
    }
  }

  /// What went through the files is what it was: kinds, selectors, ports and addresses of every form.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `random clusters mean the same when they are read from files`(_ seed: UInt64) async throws {
    var scale = RandomCluster.Scale()
    scale.hasUnknownPeers = false
    var cluster = RandomCluster(seed: seed, scale: scale)
    let evaluator = PolicyEvaluator(cluster.input)
    let probes = cluster.probes(400).filter { $0.port > 0 && evaluator.answer($0) != nil }
    try await expect(PolicyFiles(cluster.input, probes: probes), probes.compactMap { evaluator.answer($0) })
  }

  @Test func `every case of the API's documentation comes out as documented`() async throws {
    var count = 0
    for each in PolicyCase.all where each.options == PolicyOptions() && !each.hasUnknownPeer {
      let expectations = each.expectations.filter { $0.probe.port > 0 }
      guard !expectations.isEmpty else { continue }
      try await expect(
        PolicyFiles(each.input, probes: expectations.map(\.probe)), expectations.map(\.answer), "\(each)")
      count += 1
    }
    #expect(count > 150)
  }

  private func expect(_ files: PolicyFiles, _ answers: [PolicyAnswer], _ comment: String = "") async throws {
    struct Output: Decodable {
      struct Result: Decodable, Equatable {
        var verdict: String
        var egress: String
        var ingress: String
      }
      var formatVersion: Int
      var results: [Result]
    }
    let fixture = try PolicycFixture()
    try fixture.write("cluster.json", files.cluster)
    try fixture.write("policies.yaml", files.policies)
    try fixture.write("probes.json", files.probes)
    let word = { (isAllowed: Bool) in isAllowed ? "allow" : "deny" }
    for engine in ["reference", "tables"] {
      let outcome = try await fixture.run(
        "eval", "--cluster", "cluster.json", "--policies", "policies.yaml", "--probes", "probes.json", "--engine",
        engine)
      try #require(outcome.status == 0, "\(comment) \(outcome.errors)\n\(files.policies)")
      let output = try JSONDecoder().decode(Output.self, from: Data(outcome.output.utf8))
      #expect(output.formatVersion == 1)
      #expect(
        output.results
          == answers.map { .init(verdict: word($0.isAllowed), egress: word($0.egress), ingress: word($0.ingress)) },
        "\(engine): \(comment)\n\(files)")
    }
  }

  // MARK: explain

  @Test func `explain names the rules and the lines that decided`() async throws {
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run(
      "explain", "--cluster", "cluster.json", "--policies", "new.yaml", "--from", "ops/probe", "--to", "shop/db",
      "--port",
      "9100/TCP")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.output == """
        ops/probe -> shop/db TCP/9100: allowed
          egress of ops/probe: allowed
            no policy for the pod says anything of this connection
          ingress of shop/db: allowed
            a rule of a NetworkPolicy allows it
            NetworkPolicy shop/db ingress[1]  (new.yaml:11-14)

        """)
  }

  @Test func `explain names the policies that isolate`() async throws {
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run(
      "explain", "--cluster", "cluster.json", "--policies", "old.yaml", "--from", "203.0.113.9", "--to", "10.0.1.6",
      "--port",
      "5432")
    #expect(
      outcome.output == """
        203.0.113.9 -> 10.0.1.6 TCP/5432: denied
          egress of 203.0.113.9: allowed
            not restricted: it is not a pod with a network of its own
          ingress of 10.0.1.6: denied, dropped as 133 policy
            a NetworkPolicy isolates the pod, and none of its rules allows this
            NetworkPolicy shop/db  (old.yaml:1-10)

        """)
  }

  @Test func `explain as JSON has the reason, the rule and its lines`() async throws {
    struct Output: Decodable {
      struct Rule: Decodable {
        var kind: String
        var name: String
        var direction: String
        var rule: Int
        var firstLine: Int
        var lastLine: Int
      }
      struct Side: Decodable {
        var verdict: String
        var reason: String
        var dropReason: Int?
        var rules: [Rule]
      }
      var verdict: String
      var egress: Side
      var ingress: Side
    }
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run(
      "explain", "--cluster", "cluster.json", "--policies", "new.yaml", "--from", "shop/web-1", "--to", "203.0.113.9",
      "--port", "SCTP/9", "--output", "json")
    let output = try JSONDecoder().decode(Output.self, from: Data(outcome.output.utf8))
    #expect(output.verdict == "deny")
    #expect(output.egress.reason == "adminRule")
    #expect(output.egress.dropReason == 181)
    #expect(output.ingress.reason == "notAPod")
    #expect(output.ingress.dropReason == nil)
    let rule = try #require(output.egress.rules.first)
    #expect((rule.kind, rule.name, rule.direction, rule.rule) == ("ClusterNetworkPolicy", "egress", "egress", 1))
    #expect((rule.firstLine, rule.lastLine) == (26, 27))
  }

  @Test func `what the compiled policies and the policies themselves do not say alike is no answer`() throws {
    let key = NamespacedName(namespace: "shop", name: "db")
    var input = PolicyInput(
      pods: [PolicyPod(key: key, addresses: [.v4(IPv4Address(10, 0, 0, 5))])], namespaces: ["shop": [:]])
    let probe = PolicyProbe(
      from: .address(.v4(IPv4Address(192, 0, 2, 9))), to: .pod(key), protocol: .tcp, port: 80)
    let agreed = CheckedPolicies(input, options: PolicyOptions())
    #expect(try agreed.answer(probe)?.isAllowed == true)
    #expect(try agreed.explain(probe)?.ingress.reason == .unrestricted)
    let compiled = CompiledPolicy(input)
    input.networkPolicies = [NetworkPolicy(metadata: ObjectMeta(name: "db", namespace: "shop"))]
    let other = CheckedPolicies(compiled, PolicyEvaluator(input))
    for question in [{ _ = try other.answer(probe) }, { _ = try other.explain(probe) }] as [() throws -> Void] {
      let error = #expect(throws: EngineError.self, performing: question)
      #expect(error?.description.contains("192.0.2.9 > shop/db TCP/80") == true)
      #expect(error?.description.contains("reference evaluator egress allowed, ingress denied") == true)
    }
  }

  // MARK: explain --diff

  @Test func `a comparison says what changes, for whom, and because of which line`() async throws {
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run(
      "explain", "--cluster", "cluster.json", "--diff", "old.yaml", "new.yaml", "--svg", "reach.svg")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.output == """
        old.yaml -> new.yaml: 9 ends, 8 classes of ports; 4 of 37 pairs change

        CHANGE   FROM           TO              PORTS       BECAUSE
        -------  -------------  --------------  ----------  ---
        + allow  ops/probe      shop/db         TCP/9100    ingress: NetworkPolicy shop/db ingress[1] (new.yaml:11-14)
        - deny   ops/probe      203.0.113.0/24  everything  egress: ClusterNetworkPolicy egress egress[1] (new.yaml:26-27)
        - deny   shop/db        203.0.113.0/24  everything  egress: ClusterNetworkPolicy egress egress[1] (new.yaml:26-27)
        - deny   shop/web-1 +1  203.0.113.0/24  everything  egress: ClusterNetworkPolicy egress egress[1] (new.yaml:26-27)

        Ends that no policy tells apart:
          shop/web-1 +1: shop/web-1, shop/web-2

        """)
    let svg = try fixture.text("reach.svg")
    #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.hasSuffix("</svg>\n"))
    #expect(svg.contains("<title>ops/probe to shop/db&#10;newly allowed: TCP/9100&#10;"))
    #expect(svg.contains("<title>shop/web-1 +1 to 203.0.113.0/24&#10;newly denied: everything&#10;"))
    #expect(svg.contains("newly allowed, some ports or all") && svg.contains("denied as before"))
    // Rows and columns: 37 pairs are drawn, the rest is left blank.
    #expect(svg.components(separatedBy: "<g><title>").count - 1 == 37)
  }

  @Test func `the other way round, what was allowed is denied`() async throws {
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run("explain", "--cluster", "cluster.json", "--diff", "new.yaml", "old.yaml")
    #expect(
      outcome.output.contains(
        "- deny   ops/probe      shop/db         TCP/9100    ingress: no rule allows it; isolated by"))
    #expect(outcome.output.contains("+ allow  shop/db        203.0.113.0/24  everything"))
  }

  @Test func `nothing changes between a file and itself`() async throws {
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run(
      "explain", "--cluster", "cluster.json", "--diff", "new.yaml", "new.yaml", "--output", "json")
    #expect(outcome.output.contains(#""changes":[]"#))
  }

  /// Each connection between pods whose verdict changes is among the changes that are printed.
  @Test(arguments: 1...15 as ClosedRange<UInt64>)
  func `a comparison misses no change`(_ seed: UInt64) async throws {
    struct Output: Decodable {
      struct Change: Decodable { var from: String, to: String, new: String }
      struct End: Decodable { var label: String, kind: String, members: [String] }
      var changes: [Change]
      var ends: [End]
    }
    var scale = RandomCluster.Scale()
    scale.hasUnknownPeers = false
    var cluster = RandomCluster(seed: seed, scale: scale)
    let old = cluster.input
    while cluster.input.networkPolicies == old.networkPolicies && cluster.input.clusterPolicies == old.clusterPolicies {
      _ = cluster.change()
      // The cluster itself stays.
      (cluster.input.pods, cluster.input.nodes, cluster.input.namespaces) = (old.pods, old.nodes, old.namespaces)
    }
    let (before, after) = (PolicyEvaluator(old), PolicyEvaluator(cluster.input))
    let changed = cluster.probes(3000).filter { before.answer($0)?.isAllowed != after.answer($0)?.isAllowed }
    let fixture = try PolicycFixture()
    try fixture.write("cluster.json", PolicyFiles(old, probes: []).cluster)
    try fixture.write("old.yaml", PolicyFiles(old, probes: []).policies)
    try fixture.write("new.yaml", PolicyFiles(cluster.input, probes: []).policies)
    let outcome = try await fixture.run(
      "explain", "--cluster", "cluster.json", "--diff", "old.yaml", "new.yaml", "--output", "json")
    try #require(outcome.status == 0, "\(outcome.errors)")
    let output = try JSONDecoder().decode(Output.self, from: Data(outcome.output.utf8))
    let labels = Dictionary(
      output.ends.filter { $0.kind == "pods" }.flatMap { end in end.members.map { ($0, end.label) } },
      uniquingKeysWith: { $1 })
    for probe in changed {
      guard case .pod(let source) = probe.source, case .pod(let destination) = probe.destination,
        let from = labels["\(source)"], let to = labels["\(destination)"]
      else { continue }
      let new = after.answer(probe)?.isAllowed == true ? "allow" : "deny"
      #expect(output.changes.contains { $0.from == from && $0.to == to && $0.new == new }, "\(probe)")
    }
    if !changed.isEmpty { #expect(!output.changes.isEmpty) }
  }

  // MARK: validate

  @Test func `validate warns of what is accepted without effect`() async throws {
    let fixture = try PolicycFixture()
    try fixture.write(
      "new.yaml",
      PolicycFixture.new + """

        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: lost, namespace: nowhere}
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: idle, namespace: ops}
        spec: {podSelector: {matchLabels: {app: web}}}
        ---
        apiVersion: policy.networking.k8s.io/v1alpha2
        kind: ClusterNetworkPolicy
        metadata: {name: tied}
        spec: {tier: Admin, priority: 10, subject: {namespaces: {}}}
        """)
    let outcome = try await fixture.run("validate", "--policies", "new.yaml", "--cluster", "cluster.json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.output == """
        new.yaml:16-27: warning: ClusterNetworkPolicy egress: .spec.egress[0].to[0].domainNames is not supported: names of \
        hosts match nothing
        new.yaml:38-41: warning: ClusterNetworkPolicy tied: has the tier and the priority of ClusterNetworkPolicy egress; \
        which is asked first is not defined by the API
        new.yaml:29-31: warning: NetworkPolicy nowhere/lost: is in a namespace that the cluster does not have
        new.yaml:33-36: warning: NetworkPolicy ops/idle: selects no pod
        new.yaml: 5 policies, accepted

        """)
    let json = try await fixture.run("validate", "--policies", "new.yaml", "--output", "json")
    #expect(json.status == 0)
    #expect(json.output.contains(#""type":"FullyEnforced","status":"False","reason":"DomainNamesNotSupported""#))
  }

  @Test func `validate warns of a policy that a later one replaces, with both places`() async throws {
    let fixture = try PolicycFixture()
    let one = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db, namespace: shop}}"
    try fixture.write("new.yaml", "\(one)\n---\n# as before\n\(one)\n")
    let outcome = try await fixture.run("validate", "--policies", "new.yaml")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.output == """
        new.yaml:1: warning: NetworkPolicy shop/db: has no effect: new.yaml:4 has the same name and replaces it
        new.yaml: 1 policy, accepted

        """)
    let json = try await fixture.run("validate", "--policies", "new.yaml", "--output", "json")
    #expect(json.output.contains(#""place":"new.yaml:1","line":1"#), "\(json.output)")
  }

  // MARK: compile

  @Test func `compile prints tables that name what they came from, the same each time`() async throws {
    let fixture = try PolicycFixture()
    let arguments = ["compile", "--cluster", "cluster.json", "--policies", "new.yaml"]
    let outcome = try await fixture.run(all: arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("NetworkPolicy shop/db ingress[1]"))
    #expect(outcome.output.contains("203.0.113.0-203.0.113.255: deny"))
    #expect(outcome.output.contains("10.0.1.5 pod shop/web-1"))
    #expect(try await fixture.run(all: arguments).output == outcome.output)
    let unknown = try await fixture.run(all: arguments + ["--node", "n9"])
    #expect(unknown.status == 64)
    #expect(unknown.errors == "policyc: --node n9: the cluster has no such node\n")
  }

  @Test func `compile counts classes, rule sets and entries, of the cluster or of a node`() async throws {
    struct Output: Decodable {
      var pods: Int, policies: Int, classes: Int, ruleSets: Int, bytes: Int, milliseconds: Double
    }
    let fixture = try PolicycFixture()
    func stats(_ more: String...) async throws -> Output {
      let outcome = try await fixture.run(
        all: ["compile", "--cluster", "cluster.json", "--policies", "new.yaml", "--stats", "--output", "json"] + more)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try JSONDecoder().decode(Output.self, from: Data(outcome.output.utf8))
    }
    let all = try await stats()
    #expect((all.pods, all.policies) == (4, 2))
    #expect(all.classes > 1 && all.ruleSets > 0 && all.bytes > 0 && all.milliseconds > 0)
    #expect(try await stats("--node", "n1").pods == 2)
  }
}

extension PolicyCase {
  fileprivate var hasUnknownPeer: Bool {
    input.clusterPolicies.contains { policy in
      (policy.spec.ingress + policy.spec.egress).contains { rule in
        rule.peers.contains { if case .unknown = $0 { true } else { false } }
      }
    }
  }
}
