// SPDX-License-Identifier: Apache-2.0

import CAllocationCounter
import Foundation
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Streams on the kernel", .serialized, .requires(.root), .timeLimit(.minutes(10)))
struct StreamKernelTests {
  private let table = RouteTableID(8000)

  private func add(_ numbers: Range<Int>, _ socket: NetlinkSocket, _ link: Link) async throws {
    for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 10_000) {
      let part = start..<min(start + 10_000, numbers.upperBound)
      let operations = part.map { number in
        NetlinkOperation.add(
          Route(
            destination: IPCIDR(host: .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number)))), interface: link.index,
            table: table))
      }
      try await socket.perform(operations).get()
    }
  }

  @Test func `a hundred thousand routes take no more memory than a thousand, a list of them does`() async throws {
    try await withVeth { socket, link in
      var seen = 0
      /// The most bytes in use while the routes pass, above what is used before.
      func stream() async throws -> Int {
        seen = 0
        let before = allocation_bytes()
        var most = before
        try await socket.routes.forEach(table: table, family: .ipv4) { _ in
          seen += 1
          if seen.isMultiple(of: 500) { most = max(most, allocation_bytes()) }
        }
        return Int(most - before)
      }
      let clock = ContinuousClock()
      try await add(0..<1000, socket, link)
      _ = try await stream()
      let few = try await stream()
      #expect(seen == 1000)
      var start = clock.now
      try await add(1000..<100_000, socket, link)
      let adding = clock.now - start
      start = clock.now
      let many = try await stream()
      let streaming = clock.now - start
      #expect(seen == 100_000)
      let before = allocation_bytes()
      let list = try await socket.routes.all(table: table, family: .ipv4)
      let listed = Int(allocation_bytes()) - Int(before)
      #expect(list.count == 100_000)
      print("added in \(adding), streamed in \(streaming); bytes for 1000 \(few), all \(many), listed \(listed)")
      #expect(many - few < 65_536)
      #expect(listed > 100_000 * MemoryLayout<Route>.size)
    }
  }
}
