// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SeededRandom
import Testing

@testable import ServiceLB

@Suite("Socket diagnosis")
struct SocketDiagnosisTests {
  /// The answers to a dump of UDP sockets on Linux 6.18: one IPv4 socket connected to 127.0.0.1:41814.
  private func answer(family: UInt8 = 2, remote: [UInt8] = [127, 0, 0, 1], sequence: UInt8 = 1) -> [UInt8] {
    var bytes: [UInt8] = [0, 0, 0, 0, 20, 0, 2, 0, sequence, 0, 0, 0, 0, 0, 0, 0, family, 1, 0, 0]
    bytes += [0xe8, 0x53, 0xa3, 0x56] + [127, 0, 0, 1] + Array(repeating: 0, count: 12)
    bytes += remote + Array(repeating: 0, count: 16 - remote.count) + [0, 0, 0, 0]
    bytes += [7, 0, 0, 0, 8, 0, 0, 0] + Array(repeating: 0, count: 20)
    // An attribute that is not looked at.
    bytes += [5, 0, 99, 0, 1, 0, 0, 0]
    bytes[0] = UInt8(bytes.count)
    return bytes
  }

  private let done: [UInt8] = [20, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

  @Test func `sockets are read with where they send to and their cookie`() throws {
    let answers = SocketDiagnosis.answers(in: (answer() + done)[...], sequence: 1)
    guard case .socket(let socket) = answers.first else {
      Issue.record("\(answers)")
      return
    }
    #expect(answers.count == 2 && answers.last == .done)
    #expect(socket.remote?.description == "127.0.0.1:41814")
    #expect(socket.cookie == 8 << 32 | 7)
    #expect(socket.identifier.count == 48)
  }

  @Test func `a socket of IPv6 that talks IPv4 is known by the IPv4 address`() {
    let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff, 10, 0, 0, 1]
    for (remote, text) in [
      (mapped, "10.0.0.1:41814"), ([0xfd] + Array(repeating: 0, count: 14) + [1], "[fd00::1]:41814"),
    ] {
      guard
        case .socket(let socket) = SocketDiagnosis.answers(in: answer(family: 10, remote: remote)[...], sequence: 1)
          .first
      else {
        Issue.record("no socket")
        continue
      }
      #expect(socket.remote?.description == text)
    }
  }

  @Test func `answers to other requests, and statuses`() {
    #expect(SocketDiagnosis.answers(in: answer(sequence: 9)[...], sequence: 1).isEmpty)
    let refused: [UInt8] =
      [36, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff] + Array(repeating: 0, count: 16)
    #expect(SocketDiagnosis.answers(in: refused[...], sequence: 1) == [.status(2)])
  }

  @Test func `bytes that make no sense end the reading, and trap nothing`() {
    let good = answer() + done
    for cut in 0..<good.count { _ = SocketDiagnosis.answers(in: good[..<cut], sequence: 1) }
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<2000 {
      var bytes = good
      for _ in 0..<4 {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = SocketDiagnosis.answers(in: bytes[...], sequence: 1)
    }
  }

  @Test func `requests have the form that the kernel wants`() {
    let dump = SocketDiagnosis.dump(family: 2, sequence: 3)
    #expect(dump.count == 72)
    #expect(Array(dump[..<20]) == [72, 0, 0, 0, 20, 0, 1, 3, 3, 0, 0, 0, 0, 0, 0, 0, 2, 17, 0, 0])
    #expect(Array(dump[20..<24]) == [2, 0, 0, 0])
  }
}
