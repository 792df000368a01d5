// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetlinkTesting
import NetworkTypes
import Testing

@testable import NetlinkKit

/// What a batch makes of the kernel's answers.
@Suite("Batches")
struct BatchTests {
  private func routes(_ count: Int) -> [NetlinkOperation] {
    (0..<count).map { number in
      .add(
        Route(
          destination: IPCIDR(host: .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number)))), interface: .loopback))
    }
  }

  private func sequences(_ datagram: [UInt8]) throws -> [(sequence: UInt32, wantsAnswer: Bool)] {
    let span = unsafe datagram.span.bytes
    var cursor = MessageCursor()
    var found: [(UInt32, Bool)] = []
    while let message = try cursor.next(in: span) { found.append((message.sequence, message.flags & 4 != 0)) }
    return found
  }

  @Test func `many requests are one datagram, and only the last one asks for an answer`() async throws {
    let (socket, kernel) = scripted { _, first in [.datagram(Bytes.answer(sequence: first + 2))] }
    let outcome = await socket.perform(routes(3))
    #expect(outcome.isSuccess)
    #expect(outcome.count == 3)
    let sent = try sequences(try #require(kernel.datagrams.first))
    #expect(kernel.datagrams.count == 1)
    #expect(sent.map(\.sequence) == [1, 2, 3])
    #expect(sent.map(\.wantsAnswer) == [false, false, true])
  }

  @Test func `more than go into one datagram are sent in several`() async throws {
    let (socket, kernel) = scripted { request, first in
      [.datagram(Bytes.answer(sequence: first + (request == 3 ? 49 : 124)))]
    }
    let outcome = await socket.perform(routes(300))
    #expect(outcome.isSuccess)
    #expect(try kernel.datagrams.map { try sequences($0).count } == [125, 125, 50])
  }

  @Test func `each refusal belongs to its own request, the last one included`() async throws {
    let (socket, _) = scripted { _, first in
      [
        .datagram(Bytes.answer(EEXIST, sequence: first)),
        .datagram(Bytes.answer(ENODEV, sequence: first + 2) + Bytes.answer(EPERM, sequence: first + 4)),
      ]
    }
    let outcome = await socket.perform(routes(5))
    #expect(outcome.failures.map(\.index) == [0, 2, 4])
    #expect(outcome.failures.map(\.error.code) == [.exists, .notFound, .permissionDenied])
    #expect(outcome.failures[1].error.operation.contains("10.0.0.2"))
    #expect(outcome.map { (try? $0.get()) != nil } == [false, true, false, true, false])
    #expect(throws: NetlinkError.self) { try outcome.get() }
  }

  @Test func `an operation that must not be sent is refused, and the others go`() async throws {
    // The refused ones keep their numbers, so the one that is sent has number 2.
    let (socket, kernel) = scripted { _, first in [.datagram(Bytes.answer(sequence: first))] }
    let outcome = await socket.perform(
      [.create(NewLink(name: "a", kind: .bridge, alias: "needs a second request"))] + routes(1)
        + [.create(NewLink(name: "b", kind: .veth(peer: VethPeer(name: "c", isUp: true))))])
    #expect(outcome.failures.map(\.index) == [0, 2])
    #expect(outcome.failures.allSatisfy { $0.error.code == .invalidArgument })
    let sent = try sequences(try #require(kernel.datagrams.first))
    #expect(sent.map(\.wantsAnswer) == [true])
    #expect(sent.map(\.sequence) == [2])
  }

  @Test func `without an answer all that was sent is unknown, and the rest is not sent`() async throws {
    let (socket, kernel) = scripted(timeout: .milliseconds(20)) { request, first in
      request == 1 ? [.datagram(Bytes.answer(sequence: first + 124))] : [.held]
    }
    let outcome = await socket.perform(routes(300))
    #expect(outcome.failures.map(\.index) == Array(125..<300))
    #expect(outcome.failures.allSatisfy { $0.error.code == .timedOut })
    #expect(outcome.failures.first?.error.reason.contains("may have been made") == true)
    #expect(outcome.failures.last?.error.reason.hasPrefix("not sent") == true)
    #expect(outcome.failures.last?.error.operation.contains("10.0.1.43") == true)
    #expect(kernel.datagrams.count == 2)
  }

  @Test(arguments: [
    Bytes.answer(sequence: 99), Bytes.answer(sequence: 2, port: 9), Bytes.message(4, [], sequence: 1),
    Bytes.message(2, [1], sequence: 1), Bytes.message(2, [], sequence: 1, length: 0),
  ])
  func `an answer that is none is an error for all that was sent`(answer: [UInt8]) async throws {
    let (socket, _) = scripted { request, first in
      request == 1 ? [.datagram(answer)] : [.datagram(Bytes.answer(sequence: first + 1))]
    }
    let outcome = await socket.perform(routes(2))
    #expect(outcome.failures.map(\.index) == [0, 1])
    #expect(outcome.failures.allSatisfy { [.malformedReply, .overrun].contains($0.error.code) })
    // The socket is as good as before.
    #expect(await socket.perform(routes(2)).isSuccess)
  }

  @Test func `a cancelled task sends nothing, and every operation says so`() async throws {
    let (socket, kernel) = scripted { _, _ in [] }
    let task = Task { () async -> BatchOutcome in
      while !Task.isCancelled { await Task.yield() }
      return await socket.perform(routes(3))
    }
    task.cancel()
    let outcome = await task.value
    #expect(outcome.failures.map(\.error.code) == [.cancelled, .cancelled, .cancelled])
    #expect(kernel.datagrams.isEmpty)
  }

  @Test func `a batch of nothing is a success`() async {
    let (socket, kernel) = scripted { _, _ in [] }
    let outcome = await socket.perform([])
    #expect(outcome.isSuccess && outcome.isEmpty)
    #expect(kernel.datagrams.isEmpty)
  }
}
