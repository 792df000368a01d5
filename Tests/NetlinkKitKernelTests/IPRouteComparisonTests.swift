// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What this module reads is what `ip -j` prints, field by field.
@Suite("Beside ip -j", .serialized, .requires(.root))
struct IPRouteComparisonTests {
  private func counters(_ row: [String: Any], _ direction: String) throws -> [Int] {
    let all = try #require(row["stats64"] as? [String: [String: Any]])
    return try ["packets", "bytes", "errors", "dropped"].map { try #require(all[direction]?[$0] as? Int) }
  }

  @Test func `links agree`() async throws {
    try await withVeth { socket, link in
      try await socket.links.add(NewLink(name: "br0", kind: .bridge, mtu: 1400, alias: "a bridge"))
      try await inNamespaceOf(socket, "ip link set v0 master br0 arp off promisc on")
      let theirs = try await rows(socket, "ip -j -d -s link")
      let ours = try await socket.links.all()
      // IPv6 says hello on new links while this runs: our counters lie between theirs before and after.
      let later = try await rows(socket, "ip -j -d -s link")
      #expect(ours.count == theirs.count)
      for ((our, their), later) in zip(zip(ours, theirs), later) {
        #expect(Int(our.index.rawValue) == their["ifindex"] as? Int)
        #expect(our.name.rawValue == their["ifname"] as? String)
        #expect(Int(our.mtu) == their["mtu"] as? Int)
        #expect(our.address?.description == their["address"] as? String)
        #expect(our.operationalState.description == their["operstate"] as? String)
        #expect(our.alias == their["ifalias"] as? String)
        let information = their["linkinfo"] as? [String: Any]
        #expect(our.kind?.name == information?["info_kind"] as? String)
        let flags = try #require(their["flags"] as? [String])
        #expect(our.isUp == flags.contains("UP"))
        #expect(our.isARPEnabled == !flags.contains("NOARP"))
        #expect(our.flags.contains(.promiscuous) == flags.contains("PROMISC"))
        #expect(our.flags.contains(.lowerUp) == flags.contains("LOWER_UP"))
        #expect(our.flags.contains(.multicast) == flags.contains("MULTICAST"))
        let master = ours.first { $0.index == our.masterIndex }
        #expect(master?.name.rawValue == their["master"] as? String)
        let parent = ours.first { $0.index == our.parentIndex }
        #expect(parent?.name.rawValue == their["link"] as? String)
        let statistics = try #require(our.statistics)
        for (direction, name) in [(statistics.received, "rx"), (statistics.transmitted, "tx")] {
          let before = try counters(their, name)
          let after = try counters(later, name)
          for (place, value) in [direction.packets, direction.bytes, direction.errors, direction.dropped].enumerated() {
            #expect((before[place]...after[place]).contains(Int(value)), "\(our.name) \(name) \(place)")
          }
        }
      }
    }
  }

  @Test func `addresses agree`() async throws {
    try await withVeth { socket, link in
      try await inNamespaceOf(socket, "ip addr add 10.1.0.1/24 brd + dev v0 label v0:x")
      try await inNamespaceOf(socket, "ip addr add 10.9.0.1 peer 10.9.0.2/32 dev v0")
      try await inNamespaceOf(socket, "ip addr add 169.254.1.1/32 scope link noprefixroute dev v1")
      try await inNamespaceOf(socket, "ip addr add fd00::1/64 nodad dev v0")
      let ours = try await socket.addresses.all()
      var compared = 0
      for row in try await rows(socket, "ip -j addr") {
        for their in try #require(row["addr_info"] as? [[String: Any]]) {
          let text = try #require(their["local"] as? String)
          let our = try #require(
            ours.first {
              Int($0.index.rawValue) == row["ifindex"] as? Int && "\($0.address)" == text
            })
          #expect(our.prefixLength == their["prefixlen"] as? Int)
          #expect(our.scope.description == their["scope"] as? String)
          #expect(our.label == their["label"] as? String)
          #expect(our.broadcast?.description == their["broadcast"] as? String)
          #expect(our.peer?.description == their["address"] as? String)
          #expect(our.flags.contains(.noPrefixRoute) == (their["noprefixroute"] as? Bool ?? false))
          #expect(our.flags.contains(.noDAD) == (their["nodad"] as? Bool ?? false))
          compared += 1
        }
      }
      #expect(compared == ours.count)
      #expect(compared >= 6)
    }
  }

  @Test func `routes agree`() async throws {
    try await withVeth { socket, link in
      for command in [
        "ip addr add 10.1.0.1/24 dev v0", "ip route add default via 10.1.0.254 proto boot",
        "ip route add 10.2.0.0/16 via 192.0.2.1 dev v0 onlink table 1000 proto 77 metric 5 src 10.1.0.1",
        "ip route add 10.3.0.7 dev v0 scope link", "ip route add blackhole 10.4.0.0/16 table 300",
        "ip -6 route add fd01::/64 dev v0 metric 7", "ip -6 route add default via fe80::1 dev v0 table 1001",
      ] { try await inNamespaceOf(socket, command) }
      for family in AddressFamily.allCases {
        let option = family == .ipv4 ? "-4" : "-6"
        // Routes of an IPv6 address appear a while after it, when it was found to be nobody else's: wait for the last.
        var ours: [Route] = []
        var theirs: [[String: Any]] = []
        for _ in 0..<50 {
          ours = try await socket.routes.all(family: family)
          theirs = try await rows(socket, "ip -j -d \(option) route show table all")
          if ours.count == theirs.count, try await socket.routes.all(family: family) == ours { break }
          try await Task.sleep(for: .milliseconds(200))
        }
        #expect(ours.count == theirs.count)
        for (our, their) in zip(ours, theirs) {
          let destination = our.destination.map { block in
            block.prefixLength == family.bitWidth ? "\(block.address)" : "\(block)"
          }
          #expect(destination ?? "default" == their["dst"] as? String)
          #expect(our.gateway?.description == their["gateway"] as? String)
          #expect(our.source?.description == their["prefsrc"] as? String)
          #expect(our.type.description == their["type"] as? String)
          #expect(our.table.description == their["table"] as? String ?? "main")
          #expect(our.protocol.description == their["protocol"] as? String)
          #expect(our.scope.description == their["scope"] as? String)
          #expect(our.priority.map(Int.init) == their["metric"] as? Int)
          #expect(our.isOnLink == (their["flags"] as? [String])?.contains("onlink"))
          var link: Link?
          if let index = our.interface { link = try await socket.links.link(at: index) }
          #expect(link?.name.rawValue == their["dev"] as? String)
        }
      }
    }
  }
}
