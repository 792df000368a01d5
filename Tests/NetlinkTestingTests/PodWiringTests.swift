// SPDX-License-Identifier: Apache-2.0

import ArticleTestSupport
import NetlinkKit
import NetlinkTesting
import NetworkTypes
import Testing

// begin
func wirePod(_ name: InterfaceName, _ address: IPAddress, over socket: NetlinkSocket) async throws(NetlinkError) {
  let link = try await socket.links.add(NewLink(name: name, kind: .veth(), isUp: true))
  do throws(NetlinkError) {
    try await socket.neighbours.replace(
      Neighbour(interface: link.index, address: address, linkLayerAddress: MACAddress("02:00:00:00:00:01")))
    try await socket.routes.add(Route(destination: IPCIDR(host: address), interface: link.index))
    try await socket.rules.add(
      Rule(family: .ipv4, priority: 512, source: IPCIDR(host: address), table: RouteTableID(100)))
  } catch {
    try? await socket.links.remove(link.index)
    throw error
  }
}
// end

/// The article's lines, compiled and run.
@Suite("Testing a pod's wiring")
struct PodWiringTests {
  @Test func `the function makes what it is for`() async throws {
    // begin
    let kernel = FakeKernel()
    let address = try #require(IPAddress("10.8.0.7"))
    try await wirePod("pod0", address, over: kernel.socket)
    #expect(kernel.links.map(\.name) == ["lo", "veth0", "pod0"])
    #expect(kernel.routes.map(\.destination) == [IPCIDR("10.8.0.7/32")])
    #expect(
      kernel.requests.map(\.description) == [
        #"RTM_NEWLINK "pod0" kind veth up (create, exclusive)"#,
        #"RTM_GETLINK "pod0""#,
        "RTM_NEWNEIGH 10.8.0.7 on link 3 (create, replace)",
        "RTM_NEWROUTE 10.8.0.7/32 on link 3 in table 254 (create, exclusive)",
        "RTM_NEWRULE priority 512 from 10.8.0.7/32 table 100 (create, exclusive)",
      ])
    // end
  }

  @Test func `nothing is left whichever request fails`() async throws {
    // begin
    let address = try #require(IPAddress("10.8.0.7"))
    for call in 1...5 {
      let kernel = FakeKernel()
      let rules = kernel.rules
      kernel.fail(call: call, with: .busy, message: "not now")
      let error = await #expect(throws: NetlinkError.self) {
        try await wirePod("pod0", address, over: kernel.socket)
      }
      #expect(error?.kernelMessage == "not now")
      #expect(kernel.links.map(\.name) == ["lo"])
      #expect(kernel.routes.isEmpty && kernel.neighbours.isEmpty && kernel.rules == rules)
    }
    // end
  }

  @Test func `a lost acknowledgement leaves the rule behind`() async throws {
    // begin
    let kernel = FakeKernel(timeout: .milliseconds(50))
    let address = try #require(IPAddress("10.8.0.7"))
    kernel.inject(.silence, of: .newRule)
    await #expect(throws: NetlinkError.self) { try await wirePod("pod0", address, over: kernel.socket) }
    #expect(kernel.rules.contains { $0.priority == 512 })
    // end
  }

  @Test func `the article shows the lines that were run`() throws {
    let shown = try Article("TestingAPod", of: "NetlinkTesting").code
    #expect(shown.count == 4)
    #expect(shown == (try Article.linesRun()))
  }
}
