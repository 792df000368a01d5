// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetlinkTesting
import NetworkTypes
import Testing

@testable import NetlinkKit

/// What the socket does when the kernel, or somebody who plays it, misbehaves.
@Suite("Exchanges with the kernel")
struct ExchangeTests {
  @Test func `a dump over several datagrams is one list`() async throws {
    let (socket, _) = scripted { _, sequence in
      [
        .datagram(Bytes.link(1, "lo", sequence: sequence) + Bytes.link(2, "eth0", sequence: sequence)),
        .datagram(Bytes.link(3, "eth1", sequence: sequence)), .datagram(Bytes.done(sequence: sequence)),
      ]
    }
    #expect(try await socket.links.all().map(\.name) == ["lo", "eth0", "eth1"])
  }

  @Test func `a flood from another process ends at the deadline`() async throws {
    let (socket, _) = scripted(timeout: .milliseconds(20)) { _, sequence in
      [FakeKernel.Arrival](
        repeating: .datagram(Bytes.link(66, "evil", sequence: sequence), sender: 4711), count: 100_000)
    }
    let error = await #expect(throws: NetlinkError.self) { try await socket.links.all() }
    #expect(error?.code == .timedOut)
  }

  @Test func `a dump that fails at its end is an error`() async throws {
    let (socket, _) = scripted { _, sequence in
      [.datagram(Bytes.link(1, "lo", sequence: sequence) + Bytes.message(3, Bytes.of(-ENOMEM), sequence: sequence))]
    }
    let error = await #expect(throws: NetlinkError.self) { try await socket.links.all() }
    #expect(error?.code == .outOfMemory)
  }

  @Test(arguments: [
    ("zero-length message", Bytes.message(16, [], sequence: 1, length: 0)),
    ("message shorter than its header", Bytes.message(16, [], sequence: 1, length: 15)),
    ("over-long message", Bytes.message(16, [], sequence: 1, length: 4096)),
    ("truncated header", [20, 0, 0, 0, 16, 0]),
    ("no fixed header", Bytes.message(16, [0, 0], sequence: 1)),
    ("zero-length attribute", Bytes.message(16, header + Bytes.attribute(3, [], length: 0), sequence: 1)),
    ("attribute shorter than its header", Bytes.message(16, header + Bytes.attribute(3, [], length: 3), sequence: 1)),
    ("over-long attribute", Bytes.message(16, header + Bytes.attribute(3, [97, 0], length: 4000), sequence: 1)),
    ("half an attribute header", Bytes.message(16, header + [8, 0], sequence: 1)),
    ("attribute of the wrong width", Bytes.message(16, header + Bytes.attribute(4, [1, 2]), sequence: 1)),
    ("wrongly nested", Bytes.message(16, header + Bytes.attribute(18, [9, 0, 1, 0]), sequence: 1)),
    ("a link without a name", Bytes.message(16, header, sequence: 1)),
    ("error without a code", Bytes.message(2, [1], sequence: 1)),
    ("error with a positive code", Bytes.message(2, Bytes.of(Int32(5)) + header, sequence: 1)),
    ("error with the smallest code", Bytes.message(2, Bytes.of(Int32.min) + header, sequence: 1)),
    ("error about an over-long request", Bytes.message(2, Bytes.of(-EPERM) + [255, 255, 0, 0], sequence: 1)),
  ])
  func `a malformed reply is an error, not a trap and not a loop`(what: String, bytes: [UInt8]) async throws {
    let (socket, _) = scripted { request, sequence in
      request == 1
        ? [.datagram(bytes)] : [.datagram(Bytes.link(1, "lo", sequence: sequence) + Bytes.done(sequence: sequence))]
    }
    let error = await #expect(throws: NetlinkError.self, "\(what)") { try await socket.links.all() }
    #expect(error?.code == .malformedReply, "\(what)")
    #expect(error?.message.hasPrefix("list links: ") == true)
    // The socket is as good as before.
    #expect(try await socket.links.all().map(\.name) == ["lo"])
  }

  private static let header = [0, 0, 1, 0] + Bytes.of(Int32(1)) + Bytes.of(UInt32(1)) + Bytes.of(UInt32(0))

  @Test func `a datagram longer than the buffer is an error`() async throws {
    let (socket, _) = scripted { _, _ in [.oversized(70_000)] }
    let error = await #expect(throws: NetlinkError.self) { try await socket.links.all() }
    #expect(error?.code == .malformedReply)
    #expect(error?.message.contains("70000 bytes exceeds 65536") == true)
  }

  @Test func `no reply in time is an error, and the late reply is not taken for the next one`() async throws {
    let (socket, kernel) = scripted(timeout: .milliseconds(50)) { request, sequence in
      request == 1
        ? [.held, .datagram(Bytes.answer(EPERM, sequence: sequence))] : [.datagram(Bytes.answer(sequence: sequence))]
    }
    let error = await #expect(throws: NetlinkError.self) { try await socket.links.remove(.loopback) }
    #expect(error?.code == .timedOut)
    #expect(error?.message.contains("remove link 1: no complete reply within 0.05 seconds") == true)
    kernel.release()
    try await socket.links.remove(.loopback)
  }

  @Test func `a reply that is later still is told apart by its sequence number`() async throws {
    let (socket, kernel) = scripted(timeout: .milliseconds(50)) { request, sequence in
      request == 1
        ? [.held]
        : [.datagram(Bytes.answer(EPERM, sequence: sequence - 1)), .datagram(Bytes.answer(sequence: sequence))]
    }
    await #expect(throws: NetlinkError.self) { try await socket.links.remove(.loopback) }
    // The silence is still in front: nothing to drain. Then both answers come at once.
    kernel.release()
    try await socket.links.remove(.loopback)
  }

  @Test func `a cancelled request ends at once, and those in line go on`() async throws {
    let (socket, kernel) = scripted(timeout: .seconds(60)) { request, sequence in
      request == 1 ? [.held] : [.datagram(Bytes.answer(sequence: sequence))]
    }
    let stuck = Task { () async -> NetlinkError? in
      do throws(NetlinkError) { try await socket.links.remove(.loopback) } catch { return error }
      return nil
    }
    while kernel.datagrams.isEmpty { await Task.yield() }
    let inLine = Task { try await socket.links.remove(.loopback) }
    let givenUp = Task { () async -> NetlinkError? in
      do throws(NetlinkError) { try await socket.links.remove(.loopback) } catch { return error }
      return nil
    }
    try await Task.sleep(for: .milliseconds(20))
    givenUp.cancel()
    #expect(await givenUp.value?.message.contains("cancelled before the request was sent") == true)
    #expect(kernel.datagrams.count == 1)
    kernel.release()
    stuck.cancel()
    #expect(await stuck.value?.code == .cancelled)
    try await inLine.value
    #expect(kernel.datagrams.count == 2)
  }

  @Test func `a link that was cancelled before it was finished is removed all the same`() async throws {
    let (socket, kernel) = scripted(timeout: .seconds(60)) { request, sequence in
      switch request {
      case 2: [.held]
      case 3:
        [.datagram(Bytes.link(7, "v0", sequence: sequence)), .datagram(Bytes.answer(sequence: sequence))]
      default: [.datagram(Bytes.answer(sequence: sequence))]
      }
    }
    let task = Task { () async -> NetlinkError? in
      do throws(NetlinkError) {
        try await socket.links.add(NewLink(name: "v0", kind: .bridge, alias: "never set"))
      } catch { return error }
      return nil
    }
    while kernel.datagrams.count < 2 { await Task.yield() }
    kernel.release()
    task.cancel()
    #expect(await task.value?.code == .cancelled)
    // RTM_NEWLINK, its alias, RTM_GETLINK, RTM_DELLINK of what was found.
    #expect(kernel.datagrams.map { $0[4] } == [16, 16, 18, 17])
    #expect(kernel.datagrams.last?[20..<24] == [7, 0, 0, 0])
  }

  @Test func `a link that could not be read back is removed all the same`() async throws {
    let (socket, kernel) = scripted { request, sequence in
      switch request {
      case 2: [.failure(.noBuffers)]
      case 3:
        [.datagram(Bytes.link(7, "v0", sequence: sequence)), .datagram(Bytes.answer(sequence: sequence))]
      default: [.datagram(Bytes.answer(sequence: sequence))]
      }
    }
    let error = await #expect(throws: NetlinkError.self) {
      try await socket.links.add(NewLink(name: "v0", kind: .bridge))
    }
    #expect(error?.code == .overrun)
    #expect(kernel.datagrams.map { $0[4] } == [16, 18, 18, 17])
  }
}
