// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import SeededRandom
import ServiceLB
import Testing

@Suite("Service plans that follow changes")
struct ServicePlanTests {
  /// Objects that come and go, as the cluster would hold them.
  private struct Cluster {
    var services: [NamespacedName: Service] = [:]
    var slices: [NamespacedName: EndpointSlice] = [:]
    var node: Node?
    var pods: [NamespacedName: Pod] = [:]

    mutating func randomEvent(_ random: inout SeededGenerator) -> ServicePlan.Event {
      let index = Int.random(in: 0..<20, using: &random)
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<30:
        let service = RandomCluster.service("s\(index)", &random)
        services[service.metadata.key] = service
        return .service(service)
      case 30..<40:
        let key = NamespacedName(namespace: "default", name: "s\(index)")
        services[key] = nil
        return .serviceRemoved(key)
      case 40..<70:
        // A slice may go from one service to another: its name does not say which it belongs to.
        var slice = RandomCluster.slice(of: "s\(index)", suffix: "", &random)
        slice.metadata.name = "e\(Int.random(in: 0..<30, using: &random))"
        if random.chance(5) { slice.metadata.labels = [:] }
        slices[slice.metadata.key] = slice
        return .endpointSlice(slice)
      case 70..<82:
        let key = NamespacedName(namespace: "default", name: "e\(Int.random(in: 0..<30, using: &random))")
        slices[key] = nil
        return .endpointSliceRemoved(key)
      case 82..<86:
        let node = RandomCluster.node(&random)
        self.node = node
        return .node(node)
      case 86:
        node = nil
        return .nodeRemoved("here")
      case 87..<95:
        let pod = RandomCluster.pod("p\(index)", &random)
        pods[pod.metadata.key] = pod
        return .pod(pod)
      default:
        let key = NamespacedName(namespace: "default", name: "p\(index)")
        pods[key] = nil
        return .podRemoved(key)
      }
    }

    func table(_ planner: ServicePlanner) -> ServiceTable {
      planner.plan(
        services: Array(services.values), endpointSlices: Array(slices.values), nodes: node.map { [$0] } ?? [],
        pods: Array(pods.values))
    }
  }

  @Test(arguments: 0..<16)
  func `after any history the table is that of a full plan, and the changes lead to it`(seed: Int) async {
    var random = SeededGenerator(seed: UInt64(seed))
    var options = ServicePlannerOptions()
    if seed % 3 == 1 { options.externalIPs = .servedOutside }
    if seed % 4 == 1 { options.nodePortAddresses = .primary }
    let planner = ServicePlanner(nodeName: "here", zone: seed % 5 == 1 ? "zone-a" : nil, options: options)
    var cluster = Cluster()
    var plan = ServicePlan(planner)
    var followed = plan.table
    for step in 0..<100 {
      await Task.yield()
      let events = (0...Int.random(in: 0...3, using: &random)).map { _ in cluster.randomEvent(&random) }
      followed.apply(plan.apply(events))
      let full = cluster.table(planner)
      let table = plan.table
      #expect(table == full, "seed \(seed), step \(step), after \(events)")
      #expect(followed.entries == full.entries && followed.nodeAddresses == full.nodeAddresses)
      #expect(followed.healthChecks == full.healthChecks)
      if table != full || followed.entries != full.entries { return }
    }
  }

  @Test func `the random histories have conflicts, redirects, terminating endpoints and local scopes`() {
    var messages: [String] = []
    var entries: [ServiceEntry] = []
    var checks = 0
    for seed in 0..<8 {
      var random = SeededGenerator(seed: UInt64(seed))
      var cluster = Cluster()
      for _ in 0..<200 { _ = cluster.randomEvent(&random) }
      cluster.node = Make.node()
      let table = cluster.table(ServicePlanner(nodeName: "here"))
      messages += table.messages
      entries += table.entries
      checks += table.healthChecks.count
    }
    #expect(messages.contains { $0.contains("belongs to") && $0.contains("older") })
    #expect(messages.contains { $0.contains("belongs to") && $0.contains("first by name") })
    #expect(entries.contains { $0.isLocalRedirect })
    #expect(entries.contains { $0.isInternalLocal && !$0.local.isEmpty && $0.local != $0.cluster })
    #expect(entries.contains { $0.backends.contains { $0.isTerminating } && !$0.cluster.isEmpty })
    #expect(entries.contains { $0.name.service.hasPrefix("pod/") })
    #expect(checks > 0)
  }

  @Test func `one endpoint changes one entry`() {
    let services = [Make.service(), Make.service("b", clusterIPs: ["10.96.0.11"])]
    var plan = ServicePlan(
      ServicePlanner(nodeName: "here"), services: services,
      endpointSlices: [Make.slice([Make.endpoint("10.0.0.1")]), Make.slice([Make.endpoint("10.0.0.2")], of: "b")])
    let change = plan.apply([
      .endpointSlice(Make.slice([Make.endpoint("10.0.0.1"), Make.endpoint("10.0.0.3")]))
    ])
    #expect(change.updated.map(\.clusterText) == [["10.0.0.1:8080", "10.0.0.3:8080"]])
    #expect(change.removed.isEmpty && change.nodeAddresses == nil && change.healthChecks == nil)
    #expect(plan.entries(of: NamespacedName(namespace: "default", name: "web")) == change.updated)
  }

  @Test func `what changes nothing is no change`() {
    let slice = Make.slice([Make.endpoint("10.0.0.1")])
    var plan = ServicePlan(ServicePlanner(), services: [Make.service()], endpointSlices: [slice])
    var other = slice
    other.metadata.resourceVersion = "2"
    other.endpoints.append(Make.endpoint("10.0.0.2", "not-ready"))
    #expect(plan.apply([.endpointSlice(slice), .service(Make.service()), .endpointSlice(other)]).isEmpty)
    #expect(plan.apply([.podRemoved(NamespacedName(namespace: "x", name: "y"))]).isEmpty)
  }

  @Test func `an address goes to the next in line when its owner goes, and its service is told of the new owner`() {
    let services = ["a", "b", "c"].map { Make.service($0, clusterIPs: ["10.96.0.10"]) }
    var plan = ServicePlan(ServicePlanner(), services: services, endpointSlices: [])
    #expect(plan.table.entries.map(\.name.service) == ["a"])
    let change = plan.apply([.serviceRemoved(services[0].metadata.key)])
    #expect(change.removed.map(\.name.service) == ["a"])
    #expect(change.updated.map(\.name.service) == ["b"])
    #expect(
      plan.table.notes.map(\.description) == [
        "Service default/c: 10.96.0.10:80/TCP belongs to default/b, which comes first by name: it is left out"
      ])
  }
}
