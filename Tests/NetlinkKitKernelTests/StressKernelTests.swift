// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Many requests at once, on the kernel", .serialized, .requires(.root), .timeLimit(.minutes(2)))
struct StressKernelTests {
  private static let routeCount = 250

  private func host(_ number: Int) -> IPAddress { .v4(IPv4Address(rawValue: 0x0a64_0000 + UInt32(number))) }
  private func gateway(_ number: Int) -> IPAddress { .v4(IPv4Address(rawValue: 0xa9fe_0001 + UInt32(number))) }

  /// Asks for link or route number `number`, and whether the answer is about that one.
  private func ask(_ socket: NetlinkSocket, _ number: Int) async throws(NetlinkError) -> Bool {
    guard number.isMultiple(of: 2) else {
      guard let name = InterfaceName("br\(number % 8)") else { return false }
      let link = try await socket.links.link(named: name)
      return link?.name == name && link?.mtu == 1300 + UInt32(number % 8)
    }
    let place = number / 2 % StressKernelTests.routeCount
    let route = try await socket.routes.route(to: host(place))
    return route?.destination == IPCIDR(host: host(place)) && route?.gateway == gateway(place)
  }

  @Test func `a thousand requests with cancellations mix up no replies, leak nothing and block no line`() async throws {
    try await withVeth { socket, link in
      let namespace = try #require(Scratch.namespace)
      for number in 0..<8 {
        try await socket.links.create(
          NewLink(name: try #require(InterfaceName("br\(number)")), kind: .bridge, mtu: 1300 + UInt32(number)))
      }
      let routes = (0..<StressKernelTests.routeCount).map { number in
        NetlinkOperation.add(
          Route(
            destination: IPCIDR(host: host(number)), gateway: gateway(number), interface: link.index, isOnLink: true))
      }
      #expect(await socket.perform(routes).isSuccess)
      try await expectNoDescriptorLeak {
        var sockets: [NetlinkSocket] = []
        for _ in 0..<3 { sockets.append(try await NetlinkSocket(in: namespace, timeout: .seconds(30))) }
        var answered = 0
        await withTaskGroup(of: Bool.self) { group in
          for number in 0..<1000 {
            let socket = sockets[Int.random(in: 0..<3)]
            group.addTask {
              let task = Task { () async throws(NetlinkError) -> Bool in try await ask(socket, number) }
              if Int.random(in: 0..<3) == 0 {
                for _ in 0..<Int.random(in: 0..<20) { await Task.yield() }
                task.cancel()
              }
              switch await task.result {
              case .success(let isOwn):
                #expect(isOwn, "the answer to request \(number) is for another question")
                return true
              case .failure(let error):
                #expect((error as? NetlinkError)?.code == .cancelled, "\(error)")
                return false
              }
            }
          }
          for await isAnswered in group where isAnswered { answered += 1 }
        }
        #expect(answered > 500)
        for socket in sockets {
          #expect(try await socket.links.all().count == 11)
          #expect(try await socket.routes.all(table: .main, family: .ipv4).count >= StressKernelTests.routeCount)
        }
      }
    }
  }
}
