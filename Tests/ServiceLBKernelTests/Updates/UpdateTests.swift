// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

extension ServiceKernelTests {
  @Suite("Service updates", .requires(.bpffs))
  struct UpdateTests {
    /// Contents without what programs count, and without the tail that was never used.
    private func comparable(_ contents: ServiceMapContents) -> ServiceMapContents {
      var contents = contents
      while contents.vips.last == .some(nil) { contents.vips.removeLast() }
      while contents.services.last == ServiceExtents() { contents.services.removeLast() }
      while contents.configurations.last == ServiceConfiguration() { contents.configurations.removeLast() }
      while contents.slots.last == 0 { contents.slots.removeLast() }
      return contents
    }

    private func randomTable(_ round: Int) throws -> ServiceTable {
      var entries: [ServiceEntry] = []
      for number in 0..<8 where Int.random(in: 0..<4) > 0 {
        let isIPv6 = number % 4 == 3
        var entry = try Updates.entry(
          "s\(number)", isIPv6 ? "[fd00::\(number + 1)]:80" : "10.96.0.\(number + 1):80", number % 2 == 0 ? .tcp : .udp,
          (1...6).filter { _ in Bool.random() }.map { isIPv6 ? "[fd00:1::\($0)]:80" : "10.0.\(number).\($0):80" })
        if number == 2 { entry.frontends[0].kind = .loadBalancer }
        entry.local = entry.backends.indices.filter { _ in Bool.random() }
        entry.isInternalLocal = Bool.random()
        entry.isExternalLocal = Bool.random()
        if Bool.random() { entry.affinitySeconds = 30 }
        if number == 1 { entry.algorithm = .leastLoad }
        let ranges = isIPv6 ? ["2001:db8::/32"] : ["192.0.2.0/24", "198.51.100.0/30"]
        entry.sourceRanges = ranges.compactMap { IPCIDR($0) }.filter { _ in Bool.random() }
        for index in entry.backends.indices where Bool.random() { entry.backends[index].isTerminating = true }
        entries.append(entry)
      }
      let addresses = ["172.16.0.1", "fd00:2::1"].compactMap { IPAddress($0) }.filter { _ in Bool.random() }
      return ServiceTable(entries: entries, nodeAddresses: addresses)
    }

    @Test func `the maps hold after each update what its plan says, and the next process reads it back`() async throws {
      try await Updates.withPins { directory in
        var balancer = try ServiceLoadBalancer.load(pinDirectory: directory, limits: Updates.limits)
        var model = ServiceMapContents()
        for round in 0..<40 {
          let table = try randomTable(round)
          let plan = try balancer.perform(table, at: .now)
          for operation in plan.operations { model.apply(operation) }
          try #require(comparable(try balancer.contents()) == comparable(model), "round \(round)")
          if round % 10 == 9 {
            balancer = try ServiceLoadBalancer.load(
              pinDirectory: directory, limits: ServiceLimits(frontends: 7, services: 7, slots: 8, backends: 7))
            #expect(balancer.limits == Updates.limits)
            #expect(try balancer.plan(for: table).description == "")
            #expect(try balancer.apply(table).isEmpty)
          }
        }
      }
    }

    @Test func `what is gone is free when it has rested`() async throws {
      let balancer = try ServiceLoadBalancer.load(limits: Updates.limits)
      try balancer.apply(ServiceTable(entries: [try Updates.entry("dns", "10.96.0.1:53", .udp, ["10.0.0.1:53"])]))
      let removed = try balancer.apply(ServiceTable())
      #expect(removed.removedFrontends == 1)
      #expect(removed.goneDatagramBackends == [1])
      #expect(try balancer.contents().frontends.isEmpty)
      #expect(try balancer.collect().isEmpty)
      try await Task.sleep(for: .milliseconds(1050))
      #expect(try balancer.collect().cleared == 2)
      #expect(try balancer.contents().services == [])
      #expect(try balancer.contents().backends.last??.service == 0)
    }

    @Test func `TCP endpoints that are gone are kept while flows name them`() async throws {
      let balancer = try ServiceLoadBalancer.load(limits: Updates.limits)
      let entry = try Updates.entry("web", "10.96.0.1:80", .tcp, ["10.0.0.1:80", "10.0.0.2:80"])
      try balancer.apply(ServiceTable(entries: [entry]))
      try balancer.remove(entry.id)
      try await Task.sleep(for: .milliseconds(1050))
      try balancer.collect()
      #expect(try balancer.collect(backendsInUse: { _ in [2] }).cleared == 1)
      #expect(try balancer.contents().backends.map { $0?.service } == [nil, 0, 1])
      #expect(try balancer.collect(backendsInUse: { _ in [] }).cleared == 1)
    }

    @Test func `a table that does not fit leaves the maps as they were`() async throws {
      let balancer = try ServiceLoadBalancer.load(
        limits: ServiceLimits(
          frontends: 4, vips: 4, services: 4, slots: 4, backends: 8, affinities: 16, datagramPeers: 16))
      let backends = (1...5).map { "10.0.0.\($0):80" }
      try balancer.apply(
        ServiceTable(entries: [try Updates.entry("web", "10.96.0.1:80", .tcp, Array(backends.prefix(3)))]))
      let before = try balancer.contents()
      let error = #expect(throws: ServiceError.self) {
        try balancer.apply(ServiceTable(entries: [try Updates.entry("web", "10.96.0.1:80", .tcp, backends)]))
      }
      #expect(error?.code == .tableFull)
      #expect(error?.message.contains("default/web does not fit") == true)
      #expect(try balancer.contents() == before)
    }

    @Test func `updates that come faster than slots rest wait for programs instead of being refused`() async throws {
      let balancer = try ServiceLoadBalancer.load(
        limits: ServiceLimits(
          frontends: 4, vips: 4, services: 4, slots: 8, backends: 64, affinities: 16, datagramPeers: 16))
      for round in 0..<30 {
        let backends = ["10.0.0.\(round % 2 + 1):80", "10.0.0.9:80"]
        let update = try balancer.update(try Updates.entry("web", "10.96.0.1:80", .tcp, backends))
        #expect(update.extents == 1)
      }
    }

    @Test func `one writer after another of the same maps counts on`() async throws {
      let maps = try ServiceMaps.load(limits: Updates.limits)
      let entry = try Updates.entry("web", "10.96.0.1:80", .tcp, ["10.0.0.1:80"])
      let key = try #require(entry.frontends.first).key
      try ServiceLoadBalancer(maps: maps).apply(ServiceTable(entries: [entry]))
      let second = try ServiceLoadBalancer(maps: maps)
      #expect(try second.counters(of: key) == ServiceCounters())
      #expect(try second.update(entry).isEmpty)
      #expect(try second.counters(of: try Updates.entry("x", "10.96.0.9:80", .tcp, []).frontends[0].key) == nil)
    }

    @Test func `bad limits and bad places are refused by name`() async throws {
      let limits = #expect(throws: ServiceError.self) {
        try ServiceLoadBalancer.load(limits: ServiceLimits(services: 1))
      }
      #expect(limits?.code == .invalidLimits)
      #expect(limits?.message.contains("services") == true)
      let pins = #expect(throws: ServiceError.self) { try ServiceLoadBalancer.load(pinDirectory: "/tmp/nowhere") }
      #expect(pins?.underlying?.code == .notBPFFileSystem)
    }

    @Test func `nothing stays open`() async throws {
      let namespace = try NetworkNamespace.current()
      try await expectNoDescriptorLeak {
        let balancer = try ServiceLoadBalancer.load(limits: Updates.limits)
        try balancer.apply(ServiceTable(entries: [try Updates.entry("web", "10.96.0.1:80", .tcp, ["10.0.0.1:80"])]))
        try await balancer.endStaleDatagramSockets(in: [namespace])
      }
    }
  }
}
