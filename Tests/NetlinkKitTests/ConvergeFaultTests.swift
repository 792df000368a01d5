// SPDX-License-Identifier: Apache-2.0

import NetlinkKit
import NetlinkTesting
import NetworkTypes
import Testing

/// Every request of a change fails once, in every way, and nothing is left of the change.
@Suite("Desired states under faults")
struct ConvergeFaultTests {
  private let owner = ObjectOwner(protocol: 84, prefix: "example:")

  /// A pod's wiring, with something of each sort.
  private func pod(_ number: Int, mtu: UInt32 = 1400) throws -> DesiredState {
    var desired = DesiredState(owner: owner)
    let name = try #require(InterfaceName("pod\(number)"))
    let peer = try #require(InterfaceName("peer\(number)"))
    let other = try #require(IPAddress("10.8.\(number).7"))
    desired.links = [
      DesiredLink(NewLink(name: name, kind: .veth(peer: VethPeer(name: peer)), mtu: mtu, isUp: true)),
      DesiredLink(existing: peer, LinkChanges(isUp: true)),
    ]
    desired.filters = [
      DesiredFilter(BPFFilter(interface: .loopback, direction: .ingress, programDescriptor: 9, name: "in"), on: name)
    ]
    desired.addresses = [
      DesiredAddress(try #require(IPAddress("10.8.\(number).1")), prefixLength: 24, on: name, flags: .noPrefixRoute)
    ]
    desired.neighbours = [DesiredNeighbour(other, linkLayerAddress: MACAddress("02:00:00:00:00:07"), on: name)]
    desired.routes = [
      DesiredRoute(Route(destination: IPCIDR(host: other)), on: name),
      DesiredRoute(Route(destination: nil, gateway: other, table: RouteTableID(UInt32(1000 + number))), on: name),
    ]
    desired.rules = [
      Rule(family: .ipv4, priority: 2048, source: IPCIDR(host: other), table: RouteTableID(UInt32(1000 + number)))
    ]
    return desired
  }

  /// A kernel in which somebody else has a route already, and the owner an older pod.
  private func kernel() async throws -> FakeKernel {
    let kernel = FakeKernel(timeout: .milliseconds(30), dumpAttempts: 1)
    try await kernel.socket.links.change(.loopback, LinkChanges(isUp: true))
    try await kernel.socket.routes.add(Route(destination: IPCIDR("10.99.0.0/16"), interface: .loopback))
    try await kernel.socket.converge(to: try pod(1))
    return kernel
  }

  /// What is there, without what comes and goes by itself.
  private func everything(_ kernel: FakeKernel) -> [String] {
    var lines: [String] = []
    let names = Dictionary(uniqueKeysWithValues: kernel.links.map { ($0.index, $0.name.rawValue) })
    func name(_ index: InterfaceIndex?) -> String { index.flatMap { names[$0] } ?? "-" }
    for link in kernel.links { lines.append("\(link.name) \(link.isUp) \(link.mtu) \(link.alias ?? "")") }
    for address in kernel.addresses {
      lines.append(
        "\(address.address)/\(address.prefixLength) \(name(address.index)) \(address.protocol?.rawValue ?? 0)")
    }
    for route in kernel.routes {
      lines.append(
        "\(route.destination.map { "\($0)" } ?? "default") \(route.gateway.map { "\($0)" } ?? "") "
          + "\(name(route.interface)) \(route.table) \(route.protocol)")
    }
    for rule in kernel.rules { lines.append("\(rule.priority) \(rule.table) \(rule.protocol)") }
    for neighbour in kernel.neighbours { lines.append("\(neighbour.address) \(name(neighbour.interface))") }
    for qdisc in kernel.qdiscs { lines.append("\(qdisc.kind) \(name(qdisc.interface))") }
    for filter in kernel.filters { lines.append("\(filter.program?.name ?? "-") \(name(filter.interface))") }
    return lines.sorted()
  }

  @Test(arguments: ["refused", "unanswered", "overrun", "garbled"])
  func `whichever request fails, all is as before`(what: String) async throws {
    let fault: FakeKernel.Fault =
      switch what {
      case "refused": .refusal(.outOfMemory, message: "not now")
      case "unanswered": .silence
      case "overrun": .overrun
      default: .malformedReply
      }
    var failures = 0
    for call in 1..<200 {
      let kernel = try await kernel()
      let before = everything(kernel)
      let sent = kernel.requests.count
      kernel.inject(fault, atCall: call)
      do {
        try await kernel.socket.converge(to: try pod(2), stale: .keep)
        // A fault in a batch may strike a request that nobody waits for, and then all was done.
        guard kernel.requests.count - sent < call else { continue }
        #expect(failures >= 10)
        return
      } catch {
        failures += 1
        #expect(everything(kernel) == before, "request \(call) was \(what): \(error)")
      }
    }
    Issue.record("it never succeeded")
  }

  @Test func `what cannot be taken back is said`() async throws {
    let kernel = try await kernel()
    // The rule is refused, and then the removal of the route before it.
    kernel.failNext(.newRule, with: .noSpace)
    kernel.inject(.refusal(.notPermitted), of: .removeRoute)
    let error = await #expect(throws: NetlinkError.self) {
      try await kernel.socket.converge(to: try pod(2), stale: .keep)
    }
    #expect(error?.code == .outOfMemory)
    #expect(error?.operation == "ip rule add pref 2048 from 10.8.2.7/32 lookup 1002 proto 84")
    #expect(error?.reason.contains("not taken back: ip route delete") == true)
  }

  @Test func `what is gone already is no failure of a removal, and what fails does not keep the rest`() async throws {
    let kernel = try await kernel()
    let plan = try await kernel.socket.plan(removing: try pod(1))
    let rule = try #require(kernel.rules.first { $0.priority == 2048 })
    try await kernel.socket.rules.remove(rule)
    kernel.failNext(.removeRoute, with: .busy)
    let failures = await kernel.socket.attempt(plan)
    #expect(failures.map(\.code) == [.busy])
    #expect(kernel.links.map(\.name.rawValue) == ["lo"])
  }

  @Test func `a link is created and marked in one datagram`() async throws {
    let kernel = try await kernel()
    let before = kernel.datagrams.count
    try await kernel.socket.converge(to: try pod(2), stale: .keep)
    let creating = kernel.datagrams.dropFirst(before).filter { $0.contains("pod2") && $0.contains("veth") }
    #expect(creating.count == 1)
    #expect(creating.first?.contains("example:pod2") == true)
  }

  @Test func `a state that is there is asked for and not changed`() async throws {
    let kernel = try await kernel()
    let before = kernel.requests.count
    #expect(try await kernel.socket.converge(to: try pod(1)).isEmpty)
    let names = Set(kernel.requests.dropFirst(before).map { "\($0.kind)" })
    #expect(names.allSatisfy { $0.hasPrefix("RTM_GET") }, "\(names)")
  }
}

extension [UInt8] {
  fileprivate func contains(_ text: String) -> Bool {
    String(decoding: self, as: UTF8.self).contains(text)
  }
}
