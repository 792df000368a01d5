// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import ServiceLB
import Testing

/// Rows of the checklist that say which endpoints serve whom.
@Suite("Service planning: scopes")
struct PlannerScopeTests {
  private func entry(
    _ endpoints: [EndpointSlice.Endpoint], _ change: (inout Service.Spec) -> Void = { _ in }
  ) throws -> ServiceEntry {
    try plan([Make.service { change(&$0) }], [Make.slice(endpoints)]).only()
  }

  private func localOutside(_ spec: inout Service.Spec) {
    spec.externalTrafficPolicy = .local
    spec.externalIPs = ["198.51.100.7"]
  }

  @Test(arguments: [1, 10800, 86400] as [Int32])
  func `row 7: session affinity has the timeout of the service`(seconds: Int32) throws {
    let entry = try entry([]) {
      $0.sessionAffinity = .clientIP
      $0.sessionAffinityTimeoutSeconds = seconds
    }
    #expect(entry.affinitySeconds == UInt32(seconds))
  }

  @Test func `row 7: without affinity the timeout means nothing`() throws {
    #expect(try entry([]) { $0.sessionAffinityTimeoutSeconds = 60 }.affinitySeconds == nil)
  }

  @Test func `row 8: an endpoint that is gone is no backend, so that nothing sticks to it`() throws {
    let entry = try entry([Make.endpoint("10.0.0.1"), Make.endpoint("10.0.0.2", "ended")]) {
      $0.sessionAffinity = .clientIP
    }
    #expect(entry.backends.map(\.key.description) == ["10.0.0.1:8080"])
  }

  @Test func `row 9: internalTrafficPolicy Local gives the cluster IP the endpoints of the node`() throws {
    let entry = try entry([Make.endpoint("10.0.0.1", node: "here"), Make.endpoint("10.0.0.2", node: "there")]) {
      $0.internalTrafficPolicy = .local
    }
    #expect(entry.isInternalLocal && !entry.isExternalLocal)
    #expect(entry.localText == ["10.0.0.1:8080"])
    #expect(entry.clusterText == ["10.0.0.1:8080", "10.0.0.2:8080"])
  }

  @Test func `row 10: externalTrafficPolicy Local gives clients outside the endpoints of the node`() throws {
    let entry = try entry(
      [Make.endpoint("10.0.0.1", node: "here"), Make.endpoint("10.0.0.2", node: "there")], localOutside)
    #expect(entry.isExternalLocal && !entry.isInternalLocal)
    #expect(entry.localText == ["10.0.0.1:8080"])
  }

  @Test func `row 10: where nothing outside can ask, the policy means nothing`() throws {
    let entry = try entry([Make.endpoint("10.0.0.1", node: "here")]) { $0.externalTrafficPolicy = .local }
    #expect(!entry.isExternalLocal && entry.local.isEmpty)
  }

  @Test func `row 11: clients in the cluster use all endpoints although the external policy is Local`() throws {
    let entry = try entry(
      [Make.endpoint("10.0.0.1", node: "here"), Make.endpoint("10.0.0.2", node: "there")], localOutside)
    #expect(entry.clusterText == ["10.0.0.1:8080", "10.0.0.2:8080"])
    #expect(!entry.isInternalLocal)
  }

  @Test(arguments: [
    // Every ready endpoint has a hint, one for this zone: those of this zone.
    (["ready a", "ready b", "ready a"], [1, 3]),
    // One ready endpoint has none: all.
    (["ready a", "ready", "ready b"], [1, 2, 3]),
    // None for this zone: all.
    (["ready b", "ready c"], [1, 2]),
    // Endpoints that are not ready have no say.
    (["ready a", "not-ready", "serving", "ready b"], [1]),
    // A hint for this node goes before one for the zone.
    (["ready a @here", "ready a @there", "ready b @here"], [1, 3]),
    // Nodes are hinted for, but not this one: the zone decides.
    (["ready a @there", "ready b @there"], [1]),
    // Not every endpoint has a hint for a node: the zone decides.
    (["ready a @here", "ready a", "ready b @here"], [1, 2]),
    // Without a ready endpoint hints mean nothing.
    (["serving a", "serving b"], [1, 2]),
  ])
  func `row 15: hints narrow the cluster scope, if all have one and one matches`(
    endpoints: [String], expected: [Int]
  ) throws {
    let made = endpoints.enumerated().map { index, text in
      let words = text.split(separator: " ").map(String.init)
      return Make.endpoint(
        "10.0.0.\(index + 1)", words[0], zones: words.dropFirst().filter { !$0.hasPrefix("@") }.map { "zone-\($0)" },
        nodes: words.filter { $0.hasPrefix("@") }.map { String($0.dropFirst()) })
    }
    #expect(try entry(made).clusterText == expected.map { "10.0.0.\($0):8080" })
  }

  @Test func `row 15: hints do not narrow the local scope`() throws {
    let entry = try entry(
      [
        Make.endpoint("10.0.0.1", node: "here", zones: ["zone-b"]),
        Make.endpoint("10.0.0.2", node: "there", zones: [Make.zoneA]),
      ]) { $0.internalTrafficPolicy = .local }
    #expect(entry.clusterText == ["10.0.0.2:8080"])
    #expect(entry.localText == ["10.0.0.1:8080"])
  }

  @Test func `row 15: the zone is the planner's, or the node's; without one zones match nothing`() throws {
    let slices = [
      Make.slice([Make.endpoint("10.0.0.1", zones: ["zone-a"]), Make.endpoint("10.0.0.2", zones: ["zone-b"])])
    ]
    let services = [Make.service()]
    let given = ServicePlanner(nodeName: "here", zone: "zone-b")
    #expect(
      try given.plan(services: services, endpointSlices: slices, nodes: [Make.node()]).only().clusterText
        == ["10.0.0.2:8080"])
    #expect(try plan(services, slices).only().clusterText == ["10.0.0.1:8080"])
    #expect(try plan(services, slices, nodes: [Make.node(zone: nil)]).only().clusterText.count == 2)
    #expect(try plan(services, slices, nodes: [Make.node("there")]).only().clusterText.count == 2)
  }

  @Test func `row 16: without a ready endpoint those that serve while they end are used, each scope for itself`() throws
  {
    let entry = try entry(
      [
        Make.endpoint("10.0.0.1", "serving", node: "here"), Make.endpoint("10.0.0.2", "serving", node: "there"),
        Make.endpoint("10.0.0.3", node: "there"), Make.endpoint("10.0.0.4", "ended", node: "here"),
      ], localOutside)
    #expect(entry.clusterText == ["10.0.0.3:8080"])
    #expect(entry.localText == ["10.0.0.1:8080"])
    #expect(entry.drainText == ["10.0.0.2:8080"])
  }

  @Test func `row 16: all that end serve the cluster when none is ready anywhere`() throws {
    let entry = try entry([
      Make.endpoint("10.0.0.1", "serving", zones: ["zone-b"]), Make.endpoint("10.0.0.2", "serving"),
      Make.endpoint("10.0.0.3", "not-ready"),
    ])
    #expect(entry.clusterText == ["10.0.0.1:8080", "10.0.0.2:8080"])
    #expect(entry.backends.map(\.isTerminating) == [true, true])
  }

  @Test func `row 17: an endpoint that ends keeps its place among the backends while it serves`() throws {
    let entry = try entry([Make.endpoint("10.0.0.1", "serving"), Make.endpoint("10.0.0.2")])
    #expect(entry.clusterText == ["10.0.0.2:8080"])
    #expect(entry.drainText == ["10.0.0.1:8080"])
    #expect(entry.backends.map(\.isTerminating) == [true, false])
  }

  @Test func `row 18: what a slice calls ready is ready, although its pod ends (publishNotReadyAddresses)`() throws {
    var endpoint = Make.endpoint("10.0.0.1")
    endpoint.conditions = EndpointSlice.Conditions(ready: true, serving: false, terminating: true)
    let entry = try entry([endpoint, Make.endpoint("10.0.0.2")]) { $0.publishNotReadyAddresses = true }
    #expect(entry.clusterText == ["10.0.0.1:8080", "10.0.0.2:8080"])
    #expect(entry.backends.map(\.isTerminating) == [false, false])
  }

  @Test func `an endpoint that ends and does not say whether it serves, serves`() throws {
    var endpoint = Make.endpoint("10.0.0.1")
    endpoint.conditions = EndpointSlice.Conditions(ready: false, serving: nil, terminating: true)
    #expect(try entry([endpoint]).clusterText == ["10.0.0.1:8080"])
  }

  @Test func `row 19: a service without an endpoint has an entry that refuses`() throws {
    let table = plan([Make.service()])
    #expect(try table.only().cluster.isEmpty)
    #expect(table.description.contains("connection refused (no endpoint)"))
  }

  @Test func `row 20: a Local policy without an endpoint on the node drops, and is told from none anywhere`() throws {
    let elsewhere = try entry([Make.endpoint("10.0.0.2", node: "there")]) { $0.internalTrafficPolicy = .local }
    #expect(elsewhere.local.isEmpty && elsewhere.clusterText == ["10.0.0.2:8080"])
    #expect(elsewhere.description.contains("dropped where the policy is Local (no endpoint on this node)"))
    let nowhere = try entry([Make.endpoint("10.0.0.2", "not-ready", node: "here")]) {
      $0.internalTrafficPolicy = .local
    }
    #expect(nowhere.local.isEmpty && nowhere.cluster.isEmpty)
  }

  @Test func `without a node name no endpoint is local`() throws {
    let service = Make.service { $0.internalTrafficPolicy = .local }
    let table = ServicePlanner().plan(
      services: [service], endpointSlices: [Make.slice([Make.endpoint("10.0.0.1", node: "here", nodes: ["here"])])])
    #expect(try table.only().local.isEmpty)
    #expect(try table.only().clusterText == ["10.0.0.1:8080"])
  }
}
