// SPDX-License-Identifier: Apache-2.0

import ArticleTestSupport
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// The lines of the articles about sockets, devices and settings, compiled and run.
@Suite("Articles about a namespace", .serialized, .requires(.root))
struct ArticleTests {
  private func withLink(_ body: (NetworkNamespace) async throws -> Void) async throws {
    try await withScratchNamespace { namespace in
      let socket = try await NetlinkSocket(in: namespace)
      try await socket.links.create(
        NewLink(name: "eth0", kind: .veth(peer: VethPeer(name: "eth1", isUp: true)), isUp: true))
      try await body(namespace)
    }
  }

  @Test(.requires(.socketDestroy)) func `stale connections end`() async throws {
    try await withLink { namespace in
      let namespaces = [namespace]
      let address = try #require(IPAddress("127.0.0.9"))
      let victim = try await TestSocket.udp(to: "127.0.0.9", 53, in: namespace)
      var printed: [String] = []
      func print(_ thing: Any) { printed.append("\(thing)") }
      // begin StaleConnections
      let endpoint = SocketEndpointMatch(IPCIDR(host: address), port: 53)
      for namespace in namespaces {
        let diagnostics = try await SocketDiagnostics(in: namespace)
        for transport in [SocketProtocol.udp, .tcp] {
          let stale = SocketMatch(transport, states: .connected, destinations: [endpoint])
          let outcome = try await diagnostics.destroy(stale)
          for socket in outcome.destroyed { print("destroyed \(socket)") }
          for failure in outcome.failures { print(failure.error) }
        }
      }
      // end
      #expect(printed.count == 1)
      #expect(printed.first?.hasPrefix("destroyed UDP socket 127.0.0.1:") == true)
      #expect(victim.receive() == ECONNABORTED)
    }
  }

  @Test func `features are read and switched`() async throws {
    try await withLink { namespace in
      func print(_ isOn: Bool) {}
      // begin DeviceSettings
      let generic = try await GenericNetlinkSocket(in: namespace)
      let features = try await generic.ethtool.features(of: .name("eth0"))
      print(features.isActive(.genericReceive))
      try await generic.ethtool.setFeatures(
        [.udpReceiveForwarding: true, .udpTunnelSegmentation: false], of: .name("eth0"))
      // end
      #expect(try await generic.ethtool.features(of: .name("eth0")).isActive(.udpReceiveForwarding))
    }
  }

  @Test func `settings are written and combined`() async throws {
    try await withLink { namespace in
      // begin KernelSettings
      let settings = NetworkSettings(of: namespace)
      try await settings.set(.ipForward, to: true)
      try await settings.set(.reversePathFilter, of: .link("eth0"), to: .loose)
      try await settings.set(.acceptRouterAdvertisements, of: .default, to: .never)
      let filter = try await settings.effectiveValue(of: .reversePathFilter, on: "eth0")
      // end
      #expect(filter == .loose)
      // begin KernelSettings
      let linger = NamespaceSetting<UInt32>("net/ipv4/tcp_fin_timeout")
      try await settings.set(linger, to: 30)
      let proxy = LinkSetting<Bool>(.ipv4, "proxy_arp_pvlan")
      try await settings.set(proxy, of: .link("eth0"), to: true)
      // end
    }
  }

  @Test func `a desired state is planned and made true`() async throws {
    try await withScratchNamespace { namespace in
      let socket = try await NetlinkSocket(in: namespace)
      let gateway = try #require(IPAddress("169.254.1.1"))
      let address = try #require(IPAddress("10.8.0.7"))
      var printed: [String] = []
      func print(_ plan: ChangePlan) { printed.append("\(plan)") }
      // begin DesiredStates
      var desired = DesiredState(owner: ObjectOwner(protocol: 84, prefix: "example:"))
      desired.links = [DesiredLink(NewLink(name: "pod0", kind: .veth(peer: VethPeer(name: "pod1")), isUp: true))]
      desired.addresses = [DesiredAddress(gateway, prefixLength: 32, on: "pod0")]
      desired.routes = [DesiredRoute(Route(destination: IPCIDR(host: address)), on: "pod0")]

      print(try await socket.plan(desired))
      try await socket.converge(to: desired)
      // end
      #expect(try await socket.routes.all(table: .main, family: .ipv4).map(\.destination) == [IPCIDR(host: address)])
      let article = try Article("DesiredStates", of: "NetlinkKit")
      #expect(article.text.contains("```\n\(printed.joined())\n```"))
    }
  }

  @Test(arguments: ["StaleConnections", "DeviceSettings", "KernelSettings", "DesiredStates"])
  func `an article shows the lines that were run`(name: String) throws {
    let shown = try Article(name, of: "NetlinkKit").code
    #expect(!shown.isEmpty)
    #expect(shown == (try Article.linesRun(name)))
  }
}
