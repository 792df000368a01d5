// SPDX-License-Identifier: Apache-2.0

import NetlinkKit
import NetlinkTesting
import NetworkTypes
import Testing

@Suite("Faults of the fake kernel", .timeLimit(.minutes(15)))
struct FaultTests {
  private let block = IPCIDR("10.0.0.0/8")

  private var blackhole: Route { Route(destination: block, type: .blackhole) }

  /// What `body` throws.
  private func failure(of body: () async throws -> Void) async -> NetlinkError? {
    await #expect(throws: NetlinkError.self) { try await body() }
  }

  @Test func `a refusal has its number and words, changes nothing and happens once`() async throws {
    let kernel = FakeKernel()
    kernel.failNext(.newRoute, with: .noSpace, message: "table full")
    let error = await failure { try await kernel.socket.routes.add(blackhole) }
    #expect(error?.code == .outOfMemory)
    #expect(
      error?.message
        == "add route 10.0.0.0/8 in table main: the kernel has no room for it (RTM_NEWROUTE: ENOSPC: table full)")
    #expect(kernel.routes.isEmpty)
    try await kernel.socket.routes.add(blackhole)
    #expect(kernel.routes.map(\.destination) == [block])
  }

  @Test func `the nth request fails, of all or of a kind`() async throws {
    let kernel = FakeKernel()
    _ = try await kernel.socket.links.all()
    // Counted from here.
    kernel.fail(call: 2, with: .busy)
    _ = try await kernel.socket.links.all()
    #expect(await failure { _ = try await kernel.socket.links.all() }?.code == .busy)
    kernel.fail(call: 2, of: .newRoute, with: .exists)
    try await kernel.socket.routes.add(blackhole)
    _ = try await kernel.socket.links.all()
    #expect(await failure { try await kernel.socket.routes.replace(blackhole) }?.code == .exists)
    // One counts what another strikes.
    kernel.fail(call: 1, with: .busy)
    kernel.fail(call: 2, with: .exists)
    #expect(await failure { _ = try await kernel.socket.links.all() }?.code == .busy)
    #expect(await failure { _ = try await kernel.socket.links.all() }?.code == .exists)
    kernel.fail(call: 1, with: .busy)
    kernel.removeFaults()
    _ = try await kernel.socket.links.all()
  }

  @Test func `one request of a batch fails, and the others do not`() async throws {
    let kernel = FakeKernel()
    kernel.fail(call: 2, of: .newRoute, with: .init(rawValue: 40))
    let routes = (0..<4).map { number in
      NetlinkOperation.add(Route(destination: IPCIDR("10.\(number).0.0/16"), type: .blackhole))
    }
    let outcome = await kernel.socket.perform(routes)
    #expect(outcome.failures.map(\.index) == [1])
    #expect(outcome.failures.first?.error.code == .other)
    #expect(kernel.routes.count == 3)
    #expect(kernel.requests.count == 4)
    #expect(kernel.datagrams.count == 1)
  }

  @Test func `a lost acknowledgement is a timeout, though the change was made`() async throws {
    let kernel = FakeKernel(timeout: .milliseconds(20))
    kernel.inject(.silence, of: .newRoute)
    #expect(await failure { try await kernel.socket.routes.add(blackhole) }?.code == .timedOut)
    #expect(kernel.routes.count == 1)
    // The socket is as good as before.
    try await kernel.socket.routes.remove(blackhole)
  }

  @Test func `an interrupted listing is made again, and reported when it never ends`() async throws {
    let kernel = FakeKernel(dumpAttempts: 3)
    kernel.inject(.interruption, of: .getLink, times: 2)
    #expect(try await kernel.socket.links.all().count == 1)
    #expect(kernel.requests.count == 3)
    kernel.inject(.interruption, of: .getLink, times: 3)
    #expect(await failure { _ = try await kernel.socket.links.all() }?.code == .interrupted)
  }

  @Test func `a change whose answer found no room was made all the same`() async throws {
    let kernel = FakeKernel()
    kernel.inject(.overrun, of: .newRoute)
    #expect(await failure { try await kernel.socket.routes.add(blackhole) }?.code == .overrun)
    #expect(kernel.routes.count == 1)
  }

  @Test(arguments: [FakeKernel.Fault.truncation(to: 18), .malformedReply, .foreignSequence, .foreignPort])
  func `an answer that is none is malformed, and the next one is not`(fault: FakeKernel.Fault) async throws {
    let kernel = FakeKernel()
    kernel.inject(fault, of: .getLink)
    #expect(await failure { _ = try await kernel.socket.links.all() }?.code == .malformedReply)
    #expect(try await kernel.socket.links.all().map(\.name) == ["lo"])
  }

  @Test func `a forged answer is not taken`() async throws {
    let kernel = FakeKernel()
    kernel.inject(.forgery, of: .newRoute)
    try await kernel.socket.routes.add(blackhole)
    #expect(kernel.routes.count == 1)
  }

  @Test func `a late answer is waited for, and too late is too late`() async throws {
    let kernel = FakeKernel(timeout: .milliseconds(500))
    kernel.inject(.delay(.milliseconds(30)), of: .newRoute)
    let start = ContinuousClock.now
    try await kernel.socket.routes.add(blackhole)
    #expect(ContinuousClock.now - start >= .milliseconds(30))
    let hasty = kernel.makeSocket(timeout: .milliseconds(10))
    kernel.inject(.delay(.seconds(60)), of: .removeRoute)
    #expect(await failure { try await hasty.routes.remove(blackhole) }?.code == .timedOut)
    #expect(kernel.routes.isEmpty)
  }

  @Test func `a waiting task can be cancelled`() async throws {
    let kernel = FakeKernel(timeout: .seconds(60))
    kernel.inject(.silence)
    let task = Task { () async -> NetlinkError? in
      do throws(NetlinkError) { _ = try await kernel.socket.links.all() } catch { return error }
      return nil
    }
    while kernel.requests.isEmpty { await Task.yield() }
    task.cancel()
    #expect(await task.value?.code == .cancelled)
  }

  @Test func `answers are scripted, as bytes and as values`() async throws {
    let kernel = FakeKernel()
    var link = try #require(kernel.links.first)
    link.name = "ghost"
    let ghost = try #require(FakeKernel.Reply(link, inListing: true))
    kernel.answer { datagram, number in
      guard number == 1 else { return nil }
      return [.datagram(ghost.bytes(to: datagram)), .datagram(FakeKernel.Reply.done.bytes(to: datagram))]
    }
    #expect(try await kernel.socket.links.all() == [link])
    #expect(try await kernel.socket.links.all().map(\.name) == ["lo"])
    kernel.inject(.scripted([.failure(.init(rawValue: 5))]))
    #expect(await failure { _ = try await kernel.socket.links.all() }?.code == .socket)
  }

  @Test func `what is held back arrives when it is released`() async throws {
    let kernel = FakeKernel(timeout: .seconds(60))
    kernel.answer { datagram, _ in [.held, .datagram(FakeKernel.Reply.acknowledgement.bytes(to: datagram))] }
    let task = Task { try await kernel.socket.routes.add(blackhole) }
    while kernel.requests.isEmpty { await Task.yield() }
    kernel.release()
    try await task.value
    #expect(kernel.routes.isEmpty)
  }
}
