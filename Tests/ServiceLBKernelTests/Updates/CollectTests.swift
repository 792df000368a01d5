// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import NetworkTypes
import ServiceLB
import Testing

extension ServiceKernelTests {
  /// Records of endpoints that are gone become free when their connections have ended.
  @Suite("Collection of backends")
  struct CollectTests {
    /// A connection of a pod to a service, as the programs note it.
    private func connect(
      _ pods: PodDatapath, from port: UInt16, to backend: UInt32, of balancer: ServiceLoadBalancer
    ) throws -> flow_key {
      var key = flow_key()
      key.peer_address = ip_address(IPv4Address(10, 96, 0, 1))
      (key.peer_port, key.local_port) = (UInt16(80).bigEndian, port.bigEndian)
      (key.endpoint, key.protocol) = (7, IPProtocol.tcp.rawValue)
      var choice = flow_state()
      choice.last_seen = Updates.now()
      choice.flags = UInt32(FLOW_SERVICE | FLOW_REPLIED)
      (choice.decision, choice.generation) = (backend, balancer.maps.backends[backend].epoch)
      try pods.flows.updateValue(choice, forKey: key)
      return key
    }

    @Test func `an endpoint's record is free when its connections have ended, and not before`() async throws {
      let balancer = try ServiceLoadBalancer.load(limits: Updates.limits)
      let pods = try PodDatapath.load(
        pinDirectory: nil, limits: .withoutPolicy(flows: 1024), services: balancer.maps)
      func table(_ backends: [String]) throws -> ServiceTable {
        ServiceTable(entries: [try Updates.entry("web", "10.96.0.1:80", .tcp, backends)])
      }
      try balancer.apply(try table(["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]))
      let first: UInt32 = 1
      let second: UInt32 = 2
      let flow = try connect(pods, from: 1000, to: first, of: balancer)
      try balancer.apply(try table(["10.0.0.3:80"]))
      func isFree(_ index: UInt32) -> Bool { balancer.maps.backends[index].service == 0 }
      // Nothing is looked for before what went has rested.
      try balancer.collect { _ in
        Issue.record("flows were looked through")
        return []
      }
      try await Task.sleep(for: .milliseconds(1050))
      var candidates: [Set<UInt32>] = []
      func collect() throws {
        try balancer.collect { (gone) throws(BPFError) in
          candidates.append(gone)
          return try pods.backendsInUse(among: gone)
        }
      }
      try collect()
      #expect(!isFree(first) && isFree(second))
      try collect()
      #expect(!isFree(first))
      try pods.flows.removeValue(forKey: flow)
      try collect()
      #expect(isFree(first))
      try collect()
      #expect(candidates == [[first, second], [first], [first]])
    }

    @Test func `a table of flows that cannot be read frees nothing, and says so`() async throws {
      let balancer = try ServiceLoadBalancer.load(limits: Updates.limits)
      try balancer.apply(ServiceTable(entries: [try Updates.entry("web", "10.96.0.1:80", .tcp, ["10.0.0.1:80"])]))
      try balancer.apply(ServiceTable())
      try await Task.sleep(for: .milliseconds(1050))
      let error = #expect(throws: ServiceError.self) {
        try balancer.collect { (_) throws(BPFError) in throw BPFError(.interrupted, "read the flows") }
      }
      #expect(error?.code == .kernelRefused && error?.underlying?.code == .interrupted)
      #expect(balancer.maps.backends[1].service != 0)
      try balancer.collect { _ in [] }
      #expect(balancer.maps.backends[1].service == 0)
    }
  }
}
