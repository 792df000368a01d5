// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetlinkTesting
import NetworkTypes
import Synchronization
import Testing

@testable import NetlinkKit

/// What the kernel does not do on demand.
@Suite("Destroying sockets, beside a fake kernel")
struct SocketDestructionTests {
  /// `struct inet_diag_msg` of a connected UDP socket.
  private static func socket(_ cookie: UInt32, port: UInt16 = 53, sequence: UInt32) -> [UInt8] {
    var payload: [UInt8] = [2, 1, 0, 0] + [0x10, 0, UInt8(port >> 8), UInt8(port & 0xff)]
    payload += [10, 0, 0, 1] + [UInt8](repeating: 0, count: 12) + [10, 0, 0, 2] + [UInt8](repeating: 0, count: 12)
    payload += Bytes.of(UInt32(0)) + Bytes.of(cookie) + Bytes.of(UInt32(0))
    payload += [UInt8](repeating: 0, count: 20)
    return Bytes.message(20, payload, flags: 2, sequence: sequence)
  }

  private static let match = SocketMatch(.udp, family: .ipv4, destinations: [SocketEndpointMatch(port: 53)])

  /// A kernel with sockets by cookie, which is asked to list and to destroy in turns, and of those there finds one.
  private func hiding(_ cookies: [UInt32], findsLast: Bool = true, refuse: Int32 = 0) -> FakeKernel {
    let left = Mutex(cookies)
    return scriptedKernel { number, sequence in
      left.withLock { left in
        let listed = left
        if !number.isMultiple(of: 2) {
          return listed.map { .datagram(SocketDestructionTests.socket($0, sequence: sequence)) } + [
            .datagram(Bytes.done(sequence: sequence))
          ]
        }
        var steps: [FakeKernel.Arrival] = []
        for (place, cookie) in listed.enumerated() {
          let isFound = refuse == 0 && cookie == (findsLast ? left.last : left.first)
          if isFound { left.removeAll { $0 == cookie } }
          // Only the last request of a batch asks for an acknowledgement.
          if isFound, place < listed.count - 1 { continue }
          let answer = isFound ? 0 : refuse != 0 ? refuse : ENOENT
          steps.append(.datagram(Bytes.answer(answer, sequence: sequence + UInt32(place))))
        }
        return steps
      }
    }
  }

  @Test func `sockets that hide behind others with the same addresses are found in later rounds`() async throws {
    // When the kernel finds the first, each is found at once; when it finds the last, one more in each round.
    for (findsLast, requests) in [(false, 2), (true, 8)] {
      let kernel = hiding([1, 2, 3, 4], findsLast: findsLast)
      let diagnostics = SocketDiagnostics(over: kernel.socket)
      let outcome = try await diagnostics.destroy(SocketDestructionTests.match)
      #expect(Set(outcome.destroyed.map(\.cookie)) == [1, 2, 3, 4])
      #expect(outcome.failures.isEmpty)
      #expect(try outcome.get().count == 4)
      #expect(kernel.datagrams.count == requests)
    }
  }

  @Test func `a socket that stays hidden is a failure, not an endless loop`() async throws {
    let kernel = scriptedKernel { number, sequence in
      if number.isMultiple(of: 2) { return [.datagram(Bytes.answer(ENOENT, sequence: sequence))] }
      return [
        .datagram(SocketDestructionTests.socket(9, sequence: sequence)), .datagram(Bytes.done(sequence: sequence)),
      ]
    }
    let diagnostics = SocketDiagnostics(over: kernel.socket)
    let outcome = try await diagnostics.destroy(SocketDestructionTests.match)
    #expect(outcome.destroyed.isEmpty)
    #expect(outcome.failures.map(\.socket.cookie) == [9])
    #expect(outcome.failures.first?.error.code == .notFound)
    #expect(throws: NetlinkError.self) { try outcome.get() }
  }

  @Test func `a kernel that cannot destroy is named with what it lacks`() async throws {
    let diagnostics = SocketDiagnostics(over: hiding([1, 2], refuse: EOPNOTSUPP).socket)
    let error = await #expect(throws: NetlinkError.self) {
      try await diagnostics.destroy(SocketDestructionTests.match)
    }
    #expect(error?.code == .notSupported)
    #expect(error?.message.contains("CONFIG_INET_DIAG_DESTROY") == true)
    let denied = SocketDiagnostics(over: hiding([1], refuse: EPERM).socket)
    let refusal = await #expect(throws: NetlinkError.self) {
      try await denied.destroy(SocketDestructionTests.match)
    }
    #expect(refusal?.code == .permissionDenied)
  }

  @Test func `a protocol that the kernel does not list is named with its module`() async throws {
    let kernel = scriptedKernel { _, sequence in
      [.datagram(Bytes.message(3, Bytes.of(-ENOENT), flags: 2, sequence: sequence))]
    }
    let diagnostics = SocketDiagnostics(over: kernel.socket)
    let error = await #expect(throws: NetlinkError.self) { try await diagnostics.sockets(SocketMatch(.raw)) }
    #expect(error?.code == .notSupported)
    #expect(error?.message.contains("raw_diag") == true)
    let local = await #expect(throws: NetlinkError.self) { try await diagnostics.unixSockets() }
    #expect(local?.message.contains("unix_diag") == true)
  }

  @Test func `a cancelled destruction says so, and destroys nothing`() async throws {
    let kernel = scriptedKernel { _, _ in [] }
    let diagnostics = SocketDiagnostics(over: kernel.socket)
    let task = Task { try await diagnostics.destroy(SocketDestructionTests.match) }
    try await Task.sleep(for: .milliseconds(20))
    task.cancel()
    let error = await #expect(throws: NetlinkError.self) { try await task.value }
    #expect(error?.code == .cancelled)
    #expect(kernel.requests.count == 1)
  }
}
