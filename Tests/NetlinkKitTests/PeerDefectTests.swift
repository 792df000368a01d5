// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetlinkTesting
import NetworkTypes
import Testing

@testable import NetlinkKit

/// What was found wrong in another netlink module, each as a test that it is not so here; numbered as found.
///
/// `PeerDefectKernelTests` has those that take the real kernel.
@Suite("Defects of a peer", .timeLimit(.minutes(15)))
struct PeerDefectTests {
  private func body(_ request: some NetlinkRequest) -> [UInt8] {
    let writer = MessageWriter()
    writer.begin(type: UInt16(request.type), flags: UInt16(request.flags), sequence: 1)
    request.encode(into: writer)
    return Array(writer.bytes[16...])
  }

  // 1. Raising a link with a mask of all ones cleared MULTICAST and PROMISC.
  @Test func `raising a link masks exactly the one flag`() throws {
    let bytes = body(ChangeLink(subject: .index(.loopback), changes: LinkChanges(isUp: true)))
    #expect(bytes == [0, 0, 0, 0] + Bytes.of(Int32(1)) + Bytes.of(UInt32(1)) + Bytes.of(UInt32(1)))
    let down = body(ChangeLink(subject: .index(.loopback), changes: LinkChanges(isUp: false, isARPEnabled: false)))
    #expect(down == [0, 0, 0, 0] + Bytes.of(Int32(1)) + Bytes.of(UInt32(0x80)) + Bytes.of(UInt32(0x81)))
    let mtu = body(ChangeLink(subject: .index(.loopback), changes: LinkChanges(mtu: 1280)))
    #expect(mtu[8..<16] == [0, 0, 0, 0, 0, 0, 0, 0])
  }

  // 2. A second socket of the process could not be bound.
  @Test func `two sockets of a process have different ports, neither of them its number`() throws {
    let first = try KernelTransport()
    let second = try KernelTransport()
    #expect(first.port != second.port)
    #expect(first.port != 0 && second.port != 0)
  }

  // 3. Replies with a foreign sequence number and port were taken, and nobody looked at the sender.
  @Test(arguments: [(true, false), (false, true), (true, true)])
  func `a reply with a foreign sequence number or port is refused`(sequence isForeign: Bool, port: Bool) async throws {
    let (socket, _) = scripted { _, sequence in
      [
        .datagram(
          Bytes.link(1, "evil", sequence: isForeign ? sequence + 7 : sequence, port: port ? 9 : 4242)
            + Bytes.done(sequence: sequence))
      ]
    }
    let error = await #expect(throws: NetlinkError.self) { try await socket.links.all() }
    #expect(error?.code == .malformedReply)
    #expect(error?.message.contains("answers no request of this socket") == true)
  }

  @Test func `what another process sends is not taken for the kernel's reply`() async throws {
    let (socket, _) = scripted { _, sequence in
      [
        .datagram(Bytes.link(66, "evil", sequence: sequence) + Bytes.done(sequence: sequence), sender: 4711),
        .datagram(Bytes.link(1, "lo", sequence: sequence) + Bytes.done(sequence: sequence)),
      ]
    }
    #expect(try await socket.links.all().map(\.name) == ["lo"])
  }

  // 4. A length of 0 was never got over, and an over-long attribute was read beyond the message.
  @Test func `an attribute of length 0 ends the walk with an error`() throws {
    let bytes = Bytes.attribute(1, [1, 2, 3, 4]) + Bytes.attribute(2, [], length: 0)
    let span = unsafe bytes.span.bytes
    var cursor = AttributeCursor(0..<bytes.count)
    #expect(try cursor.next(in: span)?.type == 1)
    for _ in 0..<3 {
      #expect(throws: WireError.attributeLength(offset: 8, length: 0, available: 4)) { try cursor.next(in: span) }
    }
  }

  @Test func `a message of length 0 ends the walk with an error`() throws {
    let bytes = Bytes.done(sequence: 1) + Bytes.message(16, [], sequence: 1, length: 0)
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    #expect(try cursor.next(in: span)?.type == 3)
    for _ in 0..<3 {
      #expect(throws: WireError.messageLength(offset: 20, length: 0, available: 16)) { try cursor.next(in: span) }
    }
  }

  @Test func `an attribute longer than what it lies in is an error, though the buffer goes on`() throws {
    // The list ends at 8; the attribute claims 12, which are there.
    let bytes = Bytes.attribute(1, [1, 2, 3, 4], length: 12) + [5, 6, 7, 8]
    let span = unsafe bytes.span.bytes
    var cursor = AttributeCursor(0..<8)
    #expect(throws: WireError.attributeLength(offset: 0, length: 12, available: 8)) { try cursor.next(in: span) }
  }

  // 5. NLMSG_OVERRUN gave an empty list, and nobody noticed an interrupted one.
  @Test(arguments: [true, false])
  func `lost messages are noticed: the dump is made again, then reported`(asMessage: Bool) async throws {
    let overrun: @Sendable (UInt32) -> FakeKernel.Arrival = { sequence in
      asMessage ? .datagram(Bytes.message(4, [], sequence: sequence)) : .failure(.noBuffers)
    }
    let (once, _) = scripted { request, sequence in
      request == 1
        ? [overrun(sequence), .datagram(Bytes.done(sequence: sequence))]
        : [.datagram(Bytes.link(1, "lo", sequence: sequence) + Bytes.done(sequence: sequence))]
    }
    #expect(try await once.links.all().map(\.name) == ["lo"])
    let (always, kernel) = scripted { _, sequence in [overrun(sequence)] }
    let error = await #expect(throws: NetlinkError.self) { try await always.links.all() }
    #expect(error?.code == .overrun)
    #expect(kernel.datagrams.count == 3)
  }

  @Test func `an interrupted dump is made again`() async throws {
    let (socket, kernel) = scripted { request, sequence in
      [
        .datagram(Bytes.link(1, "try\(request)", sequence: sequence, flags: request == 1 ? 0x12 : 2)),
        .datagram(Bytes.done(sequence: sequence)),
      ]
    }
    #expect(try await socket.links.all().map(\.name) == ["try2"])
    #expect(kernel.datagrams.count == 2)
  }

  @Test func `a dump that is always interrupted is reported, after as many attempts as were asked for`() async throws {
    let (socket, kernel) = scripted { _, sequence in
      [.datagram(Bytes.link(1, "lo", sequence: sequence) + Bytes.done(sequence: sequence, flags: 0x12))]
    }
    let error = await #expect(throws: NetlinkError.self) { try await socket.links.all() }
    #expect(error?.code == .interrupted)
    #expect(error?.message.contains("list links") == true)
    #expect(kernel.datagrams.count == 3)
  }

  // 6. Every child inherited the socket.
  @Test func `the socket is close-on-exec and never blocks`() throws {
    let transport = try KernelTransport()
    #expect(fcntl(transport.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(transport.descriptor, F_GETFL) & O_NONBLOCK != 0)
  }

  // 7. An error was a number: no operation, no name, no word of the kernel.
  @Test func `errors carry operation, object, errno and the kernel's words`() async throws {
    let kernel = FakeKernel()
    kernel.failNext(.removeLink, with: .noDevice, message: "it went away")
    let error = await #expect(throws: NetlinkError.self) { try await kernel.socket.links.remove(named: "eth9") }
    #expect(error?.operation == "remove link \"eth9\"")
    #expect(error?.request == "RTM_DELLINK")
    #expect(error?.errno == ENODEV)
    #expect(error?.kernelMessage == "it went away")
    #expect(error?.message == "remove link \"eth9\": not found (RTM_DELLINK: ENODEV: it went away)")
  }

  // 8. Callers could not tell errors apart, and took any for "probably exists".
  @Test func `errors have one type and a code to catch by`() async throws {
    let kernel = FakeKernel()
    let new = NewLink(name: "br0", kind: .bridge)
    try await kernel.socket.links.create(new)
    func isThere() async throws(NetlinkError) -> Bool {
      do throws(NetlinkError) {
        try await kernel.socket.links.create(new)
        return false
      } catch  where error.code == .exists {
        return true
      }
    }
    #expect(try await isThere())
    kernel.failNext(.newLink, with: .busy)
    await #expect(throws: NetlinkError.self) { try await isThere() }
  }

  // 9. `recv` blocked a thread of the cooperative pool, without end.
  @Test func `nothing blocks a cooperative thread`() async throws {
    // Far more waits than the pool has threads, on real sockets that nobody sends anything to.
    let waits = try (0..<100).map { _ in
      let transport = try KernelTransport()
      return Task { await transport.waitUntilReadable(until: .now + .seconds(60)) }
    }
    let start = ContinuousClock.now
    try await Task.sleep(for: .milliseconds(50))
    // This task, and a hundred others, still get their turn.
    await withTaskGroup(of: Void.self) { group in for _ in 0..<100 { group.addTask { await Task.yield() } } }
    #expect(ContinuousClock.now - start < .seconds(20))
    for wait in waits { wait.cancel() }
    for wait in waits { #expect(await wait.value == .cancelled) }
  }

  // 10. There was no listing, no replacing, no removing, and no table but three.
  @Test func `each table lists, adds, replaces and removes`() async throws {
    let socket = FakeKernel().socket
    let link = try await socket.links.add(NewLink(name: "d0", kind: .dummy, isUp: true))
    let own = InterfaceAddress(index: link.index, address: try #require(IPAddress("10.0.0.1")), prefixLength: 24)
    try await socket.addresses.add(own)
    try await socket.addresses.replace(own)
    #expect(try await socket.addresses.all(on: link.index).map(\.address) == [own.address])
    let route = Route(destination: IPCIDR("10.9.0.0/16"), gateway: IPAddress("10.0.0.2"))
    try await socket.routes.add(route)
    try await socket.routes.replace(route)
    #expect(try await socket.routes.all(table: .main).map(\.destination) == [route.destination])
    let rule = Rule(family: .ipv4, priority: 100, table: RouteTableID(7))
    try await socket.rules.add(rule)
    #expect(try await socket.rules.all(family: .ipv4).contains { $0.priority == 100 })
    let neighbour = Neighbour(interface: link.index, address: try #require(IPAddress("10.0.0.3")))
    try await socket.neighbours.add(neighbour)
    try await socket.neighbours.replace(neighbour)
    #expect(try await socket.neighbours.all() == [neighbour])
    try await socket.qdiscs.ensureClsact(on: link.index)
    let filter = BPFFilter(interface: link.index, direction: .ingress, programDescriptor: 9, name: "prog")
    try await socket.filters.add(filter)
    try await socket.filters.replace(filter)
    let installed = try #require(try await socket.filters.all(on: link.index).first)
    try await socket.filters.remove(installed)
    try await socket.qdiscs.removeClsact(on: link.index)
    try await socket.neighbours.remove(neighbour)
    try await socket.rules.remove(rule)
    try await socket.routes.remove(route)
    try await socket.addresses.remove(own)
    try await socket.links.remove(link.index)
    #expect(try await socket.links.all().map(\.name) == ["lo"])
  }

  // 11. A listed link had no name and no MTU, and each call looked its name up first.
  @Test func `a listed link has name and MTU, and a change by index is one request`() async throws {
    let kernel = FakeKernel()
    try await kernel.socket.links.create(NewLink(name: "d0", kind: .dummy, mtu: 1400))
    let link = try #require(try await kernel.socket.links.all().last)
    #expect(link.name == "d0")
    #expect(link.mtu == 1400)
    let before = kernel.requests.count
    try await kernel.socket.links.change(link.index, LinkChanges(mtu: 1300))
    #expect(kernel.requests.count == before + 1)
    // By name it is one, too: the kernel looks.
    try await kernel.socket.links.remove(named: "d0")
    #expect(kernel.requests.count == before + 2)
  }

  // 12. Padding overflowed near 65535, and the nested bit was never masked.
  @Test(arguments: [65531, 65532, 65533, 65534, 65535]) func `the longest attributes are read whole`(length: Int) throws
  {
    let bytes = Bytes.attribute(0x8001, [UInt8](repeating: 7, count: length - 4)) + Bytes.attribute(2, [1])
    let span = unsafe bytes.span.bytes
    var cursor = AttributeCursor(0..<bytes.count)
    let long = try #require(try cursor.next(in: span))
    #expect(long.type == 1)
    #expect(long.payload.count == length - 4)
    #expect(try cursor.next(in: span)?.type == 2)
  }

  // 13. Constants were typed by hand: IPv4 routes were the kernel's own, IPv6 ones static, default routes from boot.
  @Test func `routes of every kind have the protocol that was asked for, static by default`() throws {
    let blocks = [IPCIDR("10.0.0.0/8"), IPCIDR("fd00::/8"), nil]
    for block in blocks {
      let plain = body(ChangeRoute(change: .add, route: Route(destination: block, interface: .loopback)))
      #expect(plain[5] == 4)
      let named = Route(destination: block, interface: .loopback, protocol: .boot)
      #expect(body(ChangeRoute(change: .add, route: named))[5] == 3)
    }
  }

  // 14. Neither of the public types was Sendable.
  @Test func `sockets, values and errors go from task to task`() async throws {
    let kernel = FakeKernel()
    let socket = kernel.socket
    let outcome = await Task { () async -> (NetlinkSocket, Result<[Link], NetlinkError>, NetlinkMonitor) in
      do throws(NetlinkError) {
        return (socket, .success(try await socket.links.all()), kernel.monitor())
      } catch { return (socket, .failure(error), kernel.monitor()) }
    }.value
    #expect(outcome.0 === socket)
    #expect(try outcome.1.get().count == 1)
  }

  // 15. No test expected an error, and none met a kernel: this file and PeerDefectKernelTests.
}
