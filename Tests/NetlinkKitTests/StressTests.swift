// SPDX-License-Identifier: Apache-2.0

import NetlinkKit
import NetlinkTesting
import NetworkTypes
import Testing

/// Answers that come late, tasks that go early.
@Suite("Many requests at once", .timeLimit(.minutes(15)))
struct StressTests {
  @Test func `late answers and cancelled tasks mix up no replies`() async throws {
    let kernel = FakeKernel(timeout: .seconds(60))
    var sockets = [kernel.socket]
    for _ in 0..<3 { sockets.append(kernel.makeSocket(timeout: .seconds(60))) }
    for number in 0..<50 {
      try await kernel.socket.links.create(NewLink(name: try #require(InterfaceName("d\(number)")), kind: .dummy))
    }
    for call in stride(from: 1, to: 1000, by: 3) {
      kernel.inject(.delay(.microseconds(Int.random(in: 0...1500))), atCall: call, of: .getLink)
    }
    var answered = 0
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<1000 {
        let socket = sockets[number % sockets.count]
        group.addTask {
          guard let name = InterfaceName("d\(number % 50)") else { return false }
          let task = Task { () async throws(NetlinkError) -> Link? in try await socket.links.link(named: name) }
          if Int.random(in: 0..<4) == 0 {
            try? await Task.sleep(for: .microseconds(Int.random(in: 0...3000)))
            task.cancel()
          }
          switch await task.result {
          case .success(let link):
            #expect(link?.name == name)
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
    // No line is stuck.
    kernel.removeFaults()
    for socket in sockets { #expect(try await socket.links.all().count == 51) }
  }
}
