// SPDX-License-Identifier: Apache-2.0

import NetlinkTesting
import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Listings of routes")
struct RouteListingTests {
  /// A route in a dump; the last number of the destination is `number`.
  private func route(
    _ number: UInt8, sequence: UInt32, flags: Int32 = 2, kernelFlags: UInt32 = 0, tag: UInt8 = 4, link: UInt32 = 1
  ) -> [UInt8] {
    let header = [2, 32, 0, 0, 254, tag, 0, 1] + Bytes.of(kernelFlags)
    return Bytes.message(
      24, header + Bytes.attribute(1, [10, 0, 0, number]) + Bytes.attribute(4, Bytes.of(link)), flags: flags,
      sequence: sequence)
  }

  @Test func `a stream that was interrupted hands out all it read, once, and then says so`() async throws {
    let (socket, _) = scripted { _, sequence in
      [
        .datagram(route(1, sequence: sequence)), .datagram(route(2, sequence: sequence, flags: 0x12)),
        .datagram(route(3, sequence: sequence) + Bytes.done(sequence: sequence)),
      ]
    }
    var seen: [String] = []
    let error = await #expect(throws: NetlinkError.self) {
      try await socket.routes.forEach(family: .ipv4) { route in
        seen.append(route.destination.map { "\($0.address)" } ?? "")
      }
    }
    #expect(error?.code == .interrupted)
    #expect(error?.message.contains("list ipv4 routes: the objects changed while they were listed") == true)
    #expect(seen == ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
  }

  @Test func `what a kernel lists besides what was asked for is left out, and so is its cache`() async throws {
    let (socket, _) = scripted { _, sequence in
      [
        .datagram(
          route(1, sequence: sequence) + route(2, sequence: sequence, kernelFlags: 0x200)
            + route(3, sequence: sequence, tag: 77) + route(4, sequence: sequence, link: 9)
            + Bytes.done(sequence: sequence))
      ]
    }
    func numbers(_ tag: RouteProtocol?, _ link: InterfaceIndex?) async throws -> [String] {
      try await socket.routes.all(family: .ipv4, protocol: tag, interface: link).map { "\($0.destinationText)" }
    }
    #expect(try await numbers(nil, nil) == ["10.0.0.1/32", "10.0.0.3/32", "10.0.0.4/32"])
    #expect(try await numbers(RouteProtocol(77), nil) == ["10.0.0.3/32"])
    #expect(try await numbers(nil, InterfaceIndex(rawValue: 9)) == ["10.0.0.4/32"])
  }
}
