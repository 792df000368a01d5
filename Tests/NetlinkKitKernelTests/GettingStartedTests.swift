// SPDX-License-Identifier: Apache-2.0

import ArticleTestSupport
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// The article's lines, compiled and run.
@Suite("Getting started", .serialized, .requires(.root))
struct GettingStartedTests {
  @Test func `the example connects two namespaces`() async throws {
    func wire() async throws {
      // begin
      let host = try await NetworkNamespace.makeAnonymous()
      let pod = try await NetworkNamespace.makeAnonymous()
      let hostSocket = try await NetlinkSocket(in: host)
      let podSocket = try await NetlinkSocket(in: pod)

      let outside = try await hostSocket.links.add(
        NewLink(name: "pod0", kind: .veth(peer: VethPeer(name: "eth0", namespace: pod, isUp: true)), isUp: true))
      guard let inside = try await podSocket.links.link(named: "eth0"),
        let address = IPAddress("10.8.0.7"), let gateway = IPAddress("169.254.1.1")
      else { return }

      try await podSocket.addresses.add(InterfaceAddress(index: inside.index, address: address, prefixLength: 32))
      try await podSocket.routes.add(
        Route(destination: nil, gateway: gateway, interface: inside.index, isOnLink: true))
      try await hostSocket.routes.add(Route(destination: IPCIDR(host: address), interface: outside.index))
      // end
      #expect(try await podSocket.routes.all(table: .main, family: .ipv4).map(\.gateway) == [gateway])
      var printed = ""
      func print(_ error: NetlinkError) { printed = "\(error)" }
      // begin
      do {
        try await hostSocket.routes.add(Route(destination: IPCIDR(host: address), interface: outside.index))
      } catch {
        guard error.code == .exists else { throw error }
        print(error)
      }
      // end
      #expect(printed == "add route 10.8.0.7/32 on link 2 in table main: already exists (RTM_NEWROUTE: EEXIST)")
      let other = try await hostSocket.links.link(named: "pod0")
      #expect(other == outside || other?.operationalState == .up)
    }
    try await wire()
  }

  @Test func `the article shows the lines that were run`() throws {
    let shown = try Article("GettingStarted", of: "NetlinkKit").code
    #expect(shown.count == 2)
    #expect(shown == (try Article.linesRun()))
  }
}
