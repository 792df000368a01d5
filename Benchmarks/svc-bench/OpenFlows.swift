// SPDX-License-Identifier: Apache-2.0

import CServiceTraffic
import ExampleSupport
import Glibc
import LinuxSystem
import NetworkTypes
import ServiceList
import SystemPackage

/// Flows of other pods that a node still knows while it is measured: what a run of seconds would not show.
///
/// A datagram each, unanswered. IPVS keeps a flow of UDP for 300 s, and a connection of TCP for 120 s after its end.
struct OpenFlows: Sendable {
  /// How many.
  let count: Int
  /// When the first one was opened; nil before.
  private var opened: ContinuousClock.Instant?

  static let most = 10_000_000
  /// How long IPVS keeps them, from ip_vs_proto_udp.c.
  private static let kept: Duration = .seconds(300)
  /// The first address of the pods; not the client's.
  private static let pods = IPv4Address(10, 65, 0, 1)

  init(count: Int) { self.count = count }

  /// - Throws: Where IPVS has begun to forget them.
  func checkTheyLast() throws {
    guard let took = opened?.duration(to: .now), took > Self.kept else { return }
    throw ExampleError(
      "IPVS keeps flows for \(Self.kept), and all took \(took) from the first: use fewer --flows, --rounds or --operations"
    )
  }

  /// Opens them at a stage whose services nobody serves yet.
  ///
  /// - Parameters:
  ///   - list: Its services.
  ///   - mode: What serves them. A mode that translates at sockets has the pods' datagrams translated when the node sees
  ///     them; one that looks at the client's packets takes none from others, so there the flows are the client's own, as
  ///     many as it has ports.
  ///   - stage: Where.
  ///   - processor: Where the sender runs.
  /// - Throws: Where the list has no service of UDP, and where the kernel refuses to send.
  mutating func open(to list: ServiceList, _ mode: Mode, at stage: Stage, on processor: Int) async throws {
    guard let line = list.lines.first(where: { $0.protocol == .udp }), let backend = line.backends.first else {
      throw ExampleError("--flows needs a udp service with a backend, and the list has none")
    }
    let isTranslated = mode.isFloor || mode == .terwaykit
    let target = isTranslated ? backend : ServiceList.Backend(address: line.address, port: line.port)
    guard case .v4(let address) = target.address else {
      throw ExampleError("\(target): only IPv4 services are measured; leave this one out of the list")
    }
    opened = .now
    let isOwn = mode == .terwaykitPacket
    let source = isOwn ? Stage.clientAddress : Self.pods
    let sent = CInt(isOwn ? min(count, Int(TRAFFIC_PORTS)) : count)
    let result = try await stage.client.run {
      traffic_pin(CInt(processor)) < 0
        ? -errno : traffic_flows(source.rawValue, address.networkOrder, target.port.networkOrder, sent)
    }
    guard result == 0 else { throw ExampleError("datagrams to \(target) failed: \(Errno(rawValue: -result))") }
    if mode == .ipvs { try await checkIPVS(at: stage) }
  }

  /// Every datagram passes conntrack first, which drops what its table has no room for.
  private func checkIPVS(at stage: Stage) async throws {
    let text = try await stage.node.run { try FileSystem.text(of: "/proc/thread-self/net/ip_vs") }
    // A service's line begins with its protocol; those of its servers end with active and inactive connections.
    var isUDP = false
    var known = 0
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == "->" {
        if isUDP { known += words.suffix(2).reduce(0) { $0 + (Int($1) ?? 0) } }
      } else {
        isUDP = words.first == "UDP"
      }
    }
    Progress.say("ipvs: knows \(known) flows")
    guard known * 100 >= count * 99 else {
      throw ExampleError(
        "IPVS knows \(known) of \(count) flows: was conntrack's table full? raise net.netfilter.nf_conntrack_max")
    }
  }
}
