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

  /// A line of `/proc/self/status`, in KiB.
  private func memory(_ key: String) throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(key + ":") })
    return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }

  /// By how much the most memory during `body` exceeds what is used before it, in KiB.
  private func growth(_ body: () async throws -> Void) async throws -> Int {
    // What others freed would be used first, and nothing would grow.
    allocation_trim()
    let before = try memory("VmRSS")
    // The high-water mark begins anew.
    try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    try await body()
    return try memory("VmHWM") - before
  }

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
      func stream() async throws {
        seen = 0
        try await socket.routes.forEach(table: table, family: .ipv4) { _ in seen += 1 }
      }
      let clock = ContinuousClock()
      try await add(0..<1000, socket, link)
      try await stream()
      let few = try await growth(stream)
      #expect(seen == 1000)
      var start = clock.now
      try await add(1000..<100_000, socket, link)
      let adding = clock.now - start
      start = clock.now
      let many = try await growth(stream)
      let streaming = clock.now - start
      #expect(seen == 100_000)
      var count = 0
      let listed = try await growth { count = try await socket.routes.all(table: table, family: .ipv4).count }
      #expect(count == 100_000)
      print("added in \(adding), streamed in \(streaming); memory of 1000 \(few) KiB, of all \(many), listed \(listed)")
      #expect(many - few < 2048)
      // Part of the list goes where the heap had room.
      #expect(listed > 4096)
    }
  }
}
