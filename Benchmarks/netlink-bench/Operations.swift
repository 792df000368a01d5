// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import ExampleSupport
import Glibc
import LinuxSystem
import NetlinkKit
import NetworkTypes

/// What is measured, in the order in which one prepares the next.
struct Operations {
  private let socket: NetlinkSocket
  private let link: InterfaceIndex
  private let scale: Double

  /// How many single operations are timed together.
  private static let chunk = 25
  /// How many operations go in one batch.
  private static let batch = 125

  init(in namespace: NetworkNamespace, scale: Double) async throws {
    socket = try await NetlinkSocket(in: namespace)
    self.scale = scale
    link = try await socket.links.add(
      NewLink(name: "v0", kind: .veth(peer: VethPeer(name: "v1", isUp: true)), isUp: true)
    ).index
  }

  func run(_ group: NetlinkBenchCommand.Group) async throws {
    switch group {
    case .route: try await routes()
    case .neigh: try await neighbours()
    case .link: try await links()
    case .stream: try await stream()
    }
  }

  private func routes() async throws {
    let socket = socket
    let routes = (0..<scaled(10_000)).map(route)
    try await single("route.add", routes.count) { try await socket.routes.add(routes[$0]) }
    try await dumps("route.dump", least: routes.count) {
      try await socket.routes.all(table: .main, family: .ipv4).count
    }
    try await single("route.del", routes.count) { try await socket.routes.remove(routes[$0]) }
    try await batches("route.add_batch", routes.map { .add($0) })
    try await batches("route.del_batch", routes.map { .remove($0) })
  }

  private func neighbours() async throws {
    let socket = socket
    let neighbours = try (0..<scaled(5000)).map(neighbour)
    try await single("neigh.add", neighbours.count) { try await socket.neighbours.add(neighbours[$0]) }
    try await single("neigh.del", neighbours.count) { try await socket.neighbours.remove(neighbours[$0]) }
  }

  private func links() async throws {
    let socket = socket
    let pairs = try (0..<scaled(500)).map { number -> NewLink in
      guard let name = InterfaceName("a\(number)"), let peer = InterfaceName("b\(number)") else {
        throw ExampleError("link name a\(number) is none")
      }
      return NewLink(name: name, kind: .veth(peer: VethPeer(name: peer)))
    }
    try await single("veth.add", pairs.count) { try await socket.links.create(pairs[$0]) }
    let names = Set(pairs.map(\.name))
    let indexes = try await socket.links.all().filter { names.contains($0.name) }.map(\.index)
    try await dumps("link.dump", least: 2 * pairs.count) { try await socket.links.all().count }
    try await single("veth.del", indexes.count) { try await socket.links.remove(indexes[$0]) }
  }

  /// A hundred thousand routes, handed out one by one: memory must not grow with them.
  private func stream() async throws {
    let count = 10 * scaled(10_000)
    for start in stride(from: 0, to: count, by: 10_000) {
      try await socket.perform((start..<min(start + 10_000, count)).map { .add(route($0)) }).get()
    }
    let before = Measurement.peakMemory
    var measurement = Measurement("route.stream", chunks: 3)
    for _ in 0..<3 {
      try await measurement.chunk {
        var seen = 0
        try await socket.routes.forEach(table: .main, family: .ipv4) { _ in seen += 1 }
        guard seen >= count else { throw ExampleError("\(seen) of \(count) routes were listed") }
        return seen
      }
    }
    measurement.report(#","peak_rss_growth_kib":\#(Measurement.peakMemory - before)"#)
  }

  private func scaled(_ count: Int) -> Int { max(Operations.chunk, Int(Double(count) * scale)) }

  private func route(_ number: Int) -> Route {
    Route(destination: IPCIDR(host: .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number)))), interface: link)
  }

  private func neighbour(_ number: Int) throws -> Neighbour {
    let bytes: [UInt8] = [2, 0, 0, 0, UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
    return Neighbour(
      interface: link, address: .v4(IPv4Address(rawValue: 0x0b00_0000 + UInt32(number))),
      linkLayerAddress: MACAddress(bytes: bytes))
  }

  // MARK: Loops

  /// Times `body` for each place below `count`.
  private func single(_ op: String, _ count: Int, _ body: (Int) async throws -> Void) async throws {
    var measurement = Measurement(op, chunks: count / Operations.chunk + 1)
    for start in stride(from: 0, to: count, by: Operations.chunk) {
      let end = min(start + Operations.chunk, count)
      try await measurement.chunk {
        for place in start..<end { try await body(place) }
        return end - start
      }
    }
    measurement.report()
  }

  private func batches(_ op: String, _ operations: [NetlinkOperation]) async throws {
    let parts = stride(from: 0, to: operations.count, by: Operations.batch).map {
      Array(operations[$0..<min($0 + Operations.batch, operations.count)])
    }
    var measurement = Measurement(op, chunks: parts.count)
    for part in parts {
      try await measurement.chunk {
        try await socket.perform(part).get()
        return part.count
      }
    }
    measurement.report()
  }

  private func dumps(_ op: String, least: Int, _ body: () async throws -> Int) async throws {
    var measurement = Measurement(op, chunks: 20)
    for _ in 0..<20 {
      try await measurement.chunk {
        let count = try await body()
        guard count >= least else { throw ExampleError("\(count) of \(least) objects were listed") }
        return count
      }
    }
    measurement.report()
  }
}
