// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import NetworkTypes
import ServiceLB
import Testing

@Suite("Map planning")
struct MapPlanTests {
  let start = ContinuousClock.now

  private func entry(
    _ name: String, _ frontends: [String], _ backends: [String], _ change: (inout ServiceEntry) -> Void = { _ in }
  ) throws -> ServiceEntry { try MapFixtures.entry(name, frontends, backends, change) }

  private func failure(_ body: () throws -> Void) -> ServiceError? {
    do { try body() } catch { return error as? ServiceError }
    return nil
  }

  @Test func `the first plan writes backends, slots, extents, VIPs and frontends in this order`() throws {
    var state = ServiceMapState()
    let table = ServiceTable(
      entries: [
        try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.2:8080", "10.0.0.3:8080 local"]) {
          $0.isInternalLocal = true
          $0.affinitySeconds = 60
        },
        try entry("idle", ["10.96.0.2:80/TCP"], []),
      ], nodeAddresses: [try #require(IPAddress("172.16.0.1"))])
    #expect(
      try state.apply(table, at: start).description == """
        add node address 172.16.0.1
        backend 1 = 10.0.0.2:8080/TCP active, service 2, epoch 1
        backend 2 = 10.0.0.3:8080/TCP active, service 2, epoch 1
        slot 0 = 1
        slot 1 = 2
        service 2 cluster = slots 0..<2
        service 2 local = slots 1..<2
        service 2 configuration = random, affinity 60 s
        vip 1 = 10.96.0.2:80/TCP, service 1, epoch 1
        vip 2 = 10.96.0.1:80/TCP, service 2, epoch 1
        frontend 10.96.0.2:80/TCP = service 1, vip 1.1
        frontend 10.96.0.1:80/TCP = service 2, vip 2.1, internalLocal configured
        """)
    #expect(try state.apply(table, at: start + .seconds(5)).isEmpty)
  }

  @Test func `one endpoint's change is a record, its service's slots, one extent and a state`() throws {
    var state = ServiceMapState()
    let before = try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.1:80", "10.0.0.2:80"])
    let after = try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.2:80", "10.0.0.3:80"])
    _ = try state.apply(ServiceTable(entries: [before]), at: start)
    #expect(
      try state.apply(ServiceTableChange(updated: [after]), at: start).description == """
        backend 3 = 10.0.0.3:80/TCP active, service 1, epoch 1
        slot 2 = 2
        slot 3 = 3
        service 1 cluster = slots 2..<4
        backend 1 is gone
        """)
    #expect(try state.apply(ServiceTable(entries: [after]), at: start + .milliseconds(999)).isEmpty)
    // The old slots have rested, and a TCP endpoint's index has not: it may have connections.
    #expect(
      try state.apply(ServiceTableChange(updated: [before]), at: start + .seconds(1)).description == """
        backend 1 is active
        slot 0 = 1
        slot 1 = 2
        service 1 cluster = slots 0..<2
        backend 3 is gone
        """)
  }

  @Test func `a UDP endpoint's index is free when it has rested, a TCP endpoint's when no flow names it`() throws {
    for (name, text) in [("UDP", "backend 1 is free"), ("TCP", "")] {
      var state = ServiceMapState()
      let frontends = ["10.96.0.1:53/\(name)"]
      _ = try state.apply(ServiceTable(entries: [try entry("dns", frontends, ["10.0.0.1:53"])]), at: start)
      let without = ServiceTable(entries: [try entry("dns", frontends, [])])
      let gone = try state.apply(without, at: start)
      #expect(gone.description == "service 1 cluster = none\nbackend 1 is gone")
      #expect(try state.apply(without, at: start + .seconds(1)).description == text)
      #expect(state.drainingCount == (name == "TCP" ? 1 : 0))
      if name == "TCP" {
        state.releaseDraining { index, _ in index == 1 }
        #expect(try state.apply(without, at: start + .seconds(2)).isEmpty)
        state.releaseDraining { _, _ in false }
        #expect(try state.apply(without, at: start + .seconds(2)).description == "backend 1 is free")
      }
    }
  }

  @Test func `a TCP endpoint's index is free after the drain time, and earlier when others need it`() throws {
    var state = ServiceMapState(limits: ServiceLimits(backends: 3), drainTime: .seconds(100))
    func serve(_ backends: [String], at time: Duration) throws -> String {
      try state.apply(
        ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], backends)]), at: start + time
      ).description
    }
    _ = try serve(["10.0.0.1:80", "10.0.0.2:80"], at: .zero)
    _ = try serve(["10.0.0.2:80"], at: .seconds(1))
    #expect(try serve(["10.0.0.2:80"], at: .seconds(2)) == "")
    #expect(try serve(["10.0.0.2:80"], at: .seconds(102)) == "backend 1 is free")
    _ = try serve([], at: .seconds(103))
    _ = try serve([], at: .seconds(104))
    let text = try serve(["10.0.0.3:80", "10.0.0.4:80"], at: .seconds(105))
    #expect(text.contains("backend 1 = 10.0.0.3:80/TCP active, service 1, epoch 2"))
    #expect(text.contains("backend 2 is free\n"))
    #expect(text.contains("backend 2 = 10.0.0.4:80/TCP active, service 1, epoch 2"))
  }

  @Test func `a deleted service loses its frontend first, and its index when nothing names its endpoints`() throws {
    var state = ServiceMapState()
    let table = ServiceTable(entries: [try entry("dns", ["10.96.0.1:53/UDP"], ["10.0.0.1:53"])])
    _ = try state.apply(table, at: start)
    let change = ServiceTableChange(removed: table.entries.map(\.id))
    #expect(try state.apply(change, at: start).description == "remove frontend 10.96.0.1:53/UDP\nbackend 1 is gone")
    let cleared = try state.apply(ServiceTableChange(), at: start + .seconds(1))
    #expect(cleared.description == "backend 1 is free\nservice 1 cluster = none")
    #expect(state.isEmpty)
    // The same address again is another VIP, with other indices.
    let again = try state.apply(table, at: start + .seconds(1)).description
    #expect(again.contains("frontend 10.96.0.1:53/UDP = service 2, vip 2.1"))
  }

  @Test func `a port that is renamed keeps its index and writes nothing`() throws {
    var state = ServiceMapState()
    _ = try state.apply(ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.1:80"])]), at: start)
    let renamed = ServiceTable(entries: [try entry("www", ["10.96.0.1:80/TCP"], ["10.0.0.1:80"])])
    #expect(try state.apply(renamed, at: start).isEmpty)
  }

  @Test func `a frontend that moves between services never meets the wrong one's endpoints`() throws {
    var state = ServiceMapState()
    _ = try state.apply(
      ServiceTable(entries: [try entry("a", ["10.96.0.1:80/TCP", "10.96.0.2:80/TCP"], ["10.0.0.1:80"])]), at: start)
    let plan = try state.apply(
      ServiceTable(entries: [
        try entry("a", ["10.96.0.1:80/TCP"], ["10.0.0.2:80"]), try entry("b", ["10.96.0.2:80/TCP"], ["10.0.0.3:80"]),
      ]), at: start)
    let operations = plan.operations
    #expect(!operations.contains { if case .setCluster(1, _) = $0 { true } else { false } })
    #expect(
      operations.suffix(3).map(\.description) == [
        "frontend 10.96.0.1:80/TCP = service 2, vip 3.1", "frontend 10.96.0.2:80/TCP = service 3, vip 4.1",
        "backend 1 is gone",
      ])
  }

  @Test func `a Maglev table is changed where it is, place by place`() throws {
    var state = ServiceMapState(tableSizes: [7])
    func web(_ backends: [String]) throws -> ServiceTable {
      ServiceTable(entries: [
        try entry("web", ["10.96.0.1:80/TCP"], backends) { $0.algorithm = .maglev(tableSize: 7) }
      ])
    }
    let first = try state.apply(try web(["10.0.0.1:80", "10.0.0.2:80"]), at: start)
    #expect(first.description.contains("service 1 cluster = slots 0..<7"))
    let second = try state.apply(try web(["10.0.0.1:80", "10.0.0.3:80"]), at: start).operations
    #expect(!second.contains { if case .setCluster = $0 { true } else { false } })
    let slots = second.count { if case .setSlot = $0 { true } else { false } }
    #expect(slots > 0 && slots < 7)
    #expect(try state.apply(try web(["10.0.0.1:80", "10.0.0.3:80"]), at: start).isEmpty)
  }

  @Test func `what does not fit is refused with map, service and remedy, and changes nothing`() throws {
    let table = ServiceTable(entries: [
      try entry("dns", ["10.96.0.2:53/UDP"], ["10.0.0.3:53"]),
      try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]) {
        $0.frontends[0].kind = .loadBalancer
        $0.sourceRanges = [IPCIDR("192.0.2.0/24"), IPCIDR("198.51.100.0/24")].compactMap { $0 }
      },
    ])
    let limits: [(ServiceLimits, String)] = [
      (
        ServiceLimits(frontends: 1), "map frontend4 has room for 1 entries and 2 are needed, 2 of them new; default/web"
      ),
      (ServiceLimits(services: 2), "map service has room for 1 entries and 2 are needed, 2 of them new; default/web"),
      (ServiceLimits(vips: 2), "map vip has room for 1"),
      (ServiceLimits(slots: 4), "default/web does not fit: it needs 3 in a row, and of the 2 left 2 are in a row"),
      (ServiceLimits(backends: 4), "map backend has room for 3 entries and 4 are needed"),
      (ServiceLimits(backends: 4), "most is for default/web (3), default/dns (1)"),
      (ServiceLimits(sourceRanges: 1), "map source_range has room for 1"),
    ]
    for (limits, text) in limits {
      var state = ServiceMapState(limits: limits)
      let error = failure { _ = try state.apply(table, at: start) }
      #expect(error?.code == .tableFull, "\(text)")
      #expect(error?.message.contains(text) == true, "\(error?.message ?? "none") should say \(text)")
      #expect(error?.message.contains("raise the limit") == true)
      #expect(state.isEmpty, "\(text)")
    }
    var state = ServiceMapState(limits: ServiceLimits(nodeAddresses: 1))
    let addresses = ["172.16.0.1", "172.16.0.2"].compactMap { IPAddress($0) }
    #expect(
      failure { _ = try state.apply(ServiceTable(nodeAddresses: addresses)) }?.message.contains("node_address") == true)
    #expect(state.isEmpty)
  }

  @Test func `entries that contradict themselves or each other are refused by name`() throws {
    var state = ServiceMapState()
    let web = try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.1:80", "10.0.0.2:80"])
    func refuse(_ code: ServiceError.Code, _ text: String, _ entries: [ServiceEntry]) {
      let error = failure { _ = try state.apply(ServiceTable(entries: entries), at: start) }
      #expect(error?.code == code)
      #expect(error?.message.contains(text) == true, "\(error?.message ?? "none") should say \(text)")
    }
    func changed(_ change: (inout ServiceEntry) throws -> Void) rethrows -> [ServiceEntry] {
      var entry = web
      try change(&entry)
      return [entry]
    }
    refuse(
      .conflictingFrontend, "claimed by default/web and default/www",
      [
        web, try entry("www", ["10.96.0.1:80/TCP"], []),
      ])
    refuse(.invalidTable, "default/web is there twice", [web, try entry("web", ["10.96.0.2:80/TCP"], [])])
    refuse(.invalidTable, "of another family", changed { $0.family = .ipv6 })
    refuse(
      .invalidTable, "make an entry for each protocol",
      try changed {
        $0.frontends.append(try MapFixtures.frontend("10.96.0.2:80/UDP"))
      })
    refuse(.invalidTable, "not in order", changed { $0.backends.reverse() })
    refuse(.invalidTable, "cluster scope", changed { $0.cluster = [0, 2] })
    refuse(.invalidTable, "local scope", changed { $0.local = [1, 0] })
    refuse(.invalidTable, "16381 and 65521", changed { $0.algorithm = .maglev(tableSize: 100) })
    refuse(
      .invalidTable, "write an IPv4 address",
      try changed {
        $0.family = .ipv6
        $0.frontends = [try MapFixtures.frontend("[::ffff:10.96.0.1]:80/TCP")]
        ($0.backends, $0.cluster) = ([], [])
      })
    refuse(.invalidTable, "affinity of 0 seconds", changed { $0.affinitySeconds = 0 })
    #expect(state.isEmpty)
    _ = try state.apply(ServiceTable(entries: [web]), at: start)
    let other = ServiceTableChange(updated: [try entry("www", ["10.96.0.1:80/TCP"], [])])
    #expect(failure { _ = try state.apply(other, at: start) }?.code == .conflictingFrontend)
    // Both at once is a move.
    let both = ServiceTableChange(updated: other.updated, removed: [web.id])
    #expect(try state.apply(both, at: start).count > 0)
  }

  @Test func `maps that a stranger left in disorder are put right`() throws {
    let limits = ServiceLimits(frontends: 16, vips: 16, services: 16, slots: 32, backends: 16)
    let table = ServiceTable(entries: [
      try entry("a", ["10.96.0.1:80/TCP"], ["10.0.0.1:80"]), try entry("b", ["10.96.0.2:80/TCP"], ["10.0.0.2:80"]),
      try entry("c", ["10.96.0.3:80/TCP"], ["10.0.0.3:80"]), try entry("d", ["10.96.0.4:80/TCP"], []),
    ])
    func key(_ number: Int) throws -> ServiceFrontend.Key {
      let frontend = try MapFixtures.frontend("10.96.0.\(number):80/TCP")
      return frontend.key
    }
    func record(_ address: Int, service: UInt32) throws -> BackendRecord {
      let key = try MapFixtures.key("10.0.0.\(address):80")
      return BackendRecord(
        address: key.address, port: key.port, protocol: .tcp, state: .active, service: service, epoch: 1)
    }
    var maps = ServiceMapContents()
    maps.frontends = [
      try key(1): FrontendWord(service: 1, vip: 1, flags: [], epoch: 1),
      try key(2): FrontendWord(service: 2, vip: 1, flags: [], epoch: 1),  // another's VIP
      try key(3): FrontendWord(service: 400_000, vip: 900_000, flags: [], epoch: 0),  // outside
      try key(4): FrontendWord(service: 3, vip: 3, flags: .configured, epoch: 9),  // no VIP
      try key(9): FrontendWord(service: 70, vip: 0, flags: [], epoch: 0),  // nobody's, outside
    ]
    maps.vips = [nil, VIPRecord(frontend: try key(1), service: 1, epoch: 1)]
    maps.services = [
      ServiceExtents(), ServiceExtents(cluster: SlotExtent(first: 0, count: 2)),
      ServiceExtents(cluster: SlotExtent(first: 1, count: 2)),  // overlaps
      ServiceExtents(cluster: SlotExtent(first: 31, count: 4)),  // outside
      ServiceExtents(local: SlotExtent(first: .max, count: 4)),  // no frontend, overflows
    ]
    maps.slots = [1, 99, 2]
    maps.backends = [
      nil, try record(1, service: 1), try record(1, service: 1), try record(2, service: 2), try record(7, service: 500),
    ]
    maps.sourceRanges = [SourceRange(service: 12, range: try #require(IPCIDR("192.0.2.0/24")))]
    var now = start
    var state = ServiceMapState(reading: maps, limits: limits, at: now)
    for _ in 0..<4 {
      for operation in try state.apply(table, at: now).operations { maps.apply(operation) }
      now += .seconds(1)
    }
    var fresh = ServiceMapState(limits: limits)
    var wanted = ServiceMapContents()
    for operation in try fresh.apply(table).operations { wanted.apply(operation) }
    #expect(Behaviour(maps) == Behaviour(wanted))
    #expect(maps.sourceRanges.isEmpty)
    #expect(maps.services.dropFirst(4).allSatisfy { $0.local == .empty })
  }
}
