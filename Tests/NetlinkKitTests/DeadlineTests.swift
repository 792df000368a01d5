// SPDX-License-Identifier: Apache-2.0

import NetlinkTesting
import NetworkTypes
import Synchronization
import Testing

@testable import NetlinkKit

/// Never stops to say the same.
private final class EndlessKernel: MessageTransport {
  let port: UInt32 = 4242
  private let answer: @Sendable (_ sequence: UInt32) -> [UInt8]
  private let bytes = Mutex<[UInt8]>([])

  init(_ answer: @escaping @Sendable (_ sequence: UInt32) -> [UInt8]) { self.answer = answer }

  func send(_ datagram: UnsafeRawBufferPointer) throws(TransportError) {
    let sequence = unsafe datagram.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    bytes.withLock { $0 = answer(sequence) }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReceivedDatagram? {
    let copy = bytes.withLock { $0 }
    unsafe buffer.copyBytes(from: copy)
    return ReceivedDatagram(length: copy.count, sender: 0)
  }

  func waitUntilReadable(until deadline: ContinuousClock.Instant) async -> Readiness { .readable }
}

/// Each wait ends at its deadline.
@Suite("Deadlines", .timeLimit(.minutes(15)))
struct DeadlineTests {
  private let link = Route(destination: IPCIDR("10.0.0.0/8"), type: .blackhole)

  private func code(_ body: () async throws -> Void) async -> NetlinkError? {
    await #expect(throws: NetlinkError.self) { try await body() }
  }

  @Test func `waiting for an answer ends`() async throws {
    let kernel = FakeKernel(timeout: .milliseconds(50))
    kernel.inject(.silence)
    let start = ContinuousClock.now
    #expect(await code { try await kernel.socket.routes.add(link) }?.code == .timedOut)
    #expect(ContinuousClock.now - start >= .milliseconds(50))
  }

  @Test func `waiting for the rest of a listing ends`() async throws {
    let (socket, _) = scripted(timeout: .milliseconds(50)) { _, sequence in
      [.datagram(Bytes.link(1, "lo", sequence: sequence))]
    }
    #expect(await code { _ = try await socket.links.all() }?.code == .timedOut)
  }

  @Test func `a listing without end ends`() async throws {
    let kernel = EndlessKernel { Bytes.link(1, "lo", sequence: $0) }
    let socket = NetlinkSocket(over: kernel, timeout: .milliseconds(20))
    #expect(await code { _ = try await socket.links.all() }?.code == .timedOut)
    // And so does throwing away what is left of it.
    let error = await code { try await socket.routes.add(link) }
    #expect(error?.message.contains("replies to an earlier request kept coming") == true)
  }

  @Test func `a batch among answers to nothing ends`() async throws {
    let kernel = EndlessKernel { Bytes.answer(sequence: $0 - 1) }
    let socket = NetlinkSocket(over: kernel, timeout: .milliseconds(20))
    let outcome = await socket.perform([.add(link), .remove(link)])
    #expect(outcome.failures.map(\.error.code) == [.timedOut, .timedOut])
  }

  @Test func `waiting in line ends with the request in front`() async throws {
    let kernel = FakeKernel(timeout: .milliseconds(50))
    kernel.inject(.silence)
    async let first = code { try await kernel.socket.routes.add(link) }
    while kernel.requests.isEmpty { await Task.yield() }
    let start = ContinuousClock.now
    _ = try await kernel.socket.links.all()
    #expect(ContinuousClock.now - start < .seconds(10))
    #expect(await first?.code == .timedOut)
  }
}
