// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What this module reads of links is what `ip -j -d -s -s link` prints, field by field.
@Suite("Links beside ip -j", .serialized, .requires(.root))
struct LinkComparisonTests {
  /// A number of ours beside one of theirs; those that `ip` of this machine does not know are not compared.
  private func expect(_ our: UInt32?, _ row: [String: Any], _ key: String, _ sourceLocation: SourceLocation) {
    #expect(our.map(Int.init) == row[key] as? Int, "\(row["ifname"] ?? ""): \(key)", sourceLocation: sourceLocation)
  }

  private func numbers(_ our: Link, _ their: [String: Any], _ place: SourceLocation = #_sourceLocation) {
    expect(our.minimumMTU, their, "min_mtu", place)
    expect(our.maximumMTU, their, "max_mtu", place)
    expect(our.promiscuity, their, "promiscuity", place)
    expect(our.allMulticastCount, their, "allmulti", place)
    expect(our.transmitQueueCount, their, "num_tx_queues", place)
    expect(our.receiveQueueCount, their, "num_rx_queues", place)
    expect(our.transmitQueueLength == 0 ? nil : our.transmitQueueLength, their, "txqlen", place)
    expect(our.segmentation.gsoMaximumSize, their, "gso_max_size", place)
    expect(our.segmentation.gsoMaximumSegments, their, "gso_max_segs", place)
    expect(our.segmentation.groMaximumSize, their, "gro_max_size", place)
    expect(our.tsoMaximumSize, their, "tso_max_size", place)
    expect(our.tsoMaximumSegments, their, "tso_max_segs", place)
  }

  /// A flag of ours beside a word of theirs.
  private static let words: [(LinkFlags, String)] = [
    (.up, "UP"), (.broadcast, "BROADCAST"), (.loopback, "LOOPBACK"), (.pointToPoint, "POINTOPOINT"), (.noARP, "NOARP"),
    (.promiscuous, "PROMISC"), (.allMulticast, "ALLMULTI"), (.multicast, "MULTICAST"), (.lowerUp, "LOWER_UP"),
  ]

  @Test func `all settings of links agree`() async throws {
    try await withVeth { socket, _ in
      let there = try await NetworkNamespace.makeAnonymous()
      try await socket.links.create(
        NewLink(
          name: "w0", kind: .veth(peer: VethPeer(name: "w1", namespace: there)), transmitQueueCount: 3,
          receiveQueueCount: 2))
      for command in [
        "ip link add br0 type bridge", "ip link set v0 master br0 promisc on allmulticast on arp off multicast off",
        "ip link set v1 group 7 alias 'some alias' txqueuelen 77 mtu 1400",
        "ip link property add dev v1 altname first altname a-second-one-that-is-longer",
        "ip link set w0 gso_max_size 30000 gso_max_segs 12 gro_max_size 20000",
        "ip link set w0 address 02:00:00:00:00:07 broadcast 02:ff:ff:ff:ff:ff", "ip link set w0 mode dormant",
        "ip link set v1 addrgenmode none",
        "ip link set br0 up", "ping -c 1 -W 1 -I lo 127.0.0.1 >/dev/null 2>&1 || true",
      ] { try await inNamespaceOf(socket, command) }
      let theirs = try await rows(socket, "ip -j -d -s -s link")
      let ours = try await socket.links.all()
      #expect(ours.map(\.name.rawValue) == theirs.compactMap { $0["ifname"] as? String })
      for (our, their) in zip(ours, theirs) {
        numbers(our, their)
        #expect(Int(our.mtu) == their["mtu"] as? Int)
        #expect(our.alternativeNames == their["altnames"] as? [String] ?? [])
        #expect(our.alias == their["ifalias"] as? String)
        #expect(our.group?.description == their["group"] as? String)
        #expect(our.mode?.description == their["linkmode"] as? String)
        #expect(our.operationalState.description == their["operstate"] as? String)
        #expect(our.ipv6AddressGeneration?.description == their["inet6_addr_gen_mode"] as? String)
        #expect(our.qdisc == their["qdisc"] as? String)
        #expect(our.address?.description == their["address"] as? String)
        #expect(our.broadcastAddress?.description == their["broadcast"] as? String)
        #expect(our.permanentAddress?.description == their["permaddr"] as? String)
        #expect(our.parentNamespaceID.map { Int($0.rawValue) } == their["link_netnsid"] as? Int)
        #expect((our.isProtocolDown == true) == (their["protodown"] as? Bool ?? false))
        let words = try #require(their["flags"] as? [String])
        for (flag, word) in LinkComparisonTests.words {
          #expect(our.flags.contains(flag) == words.contains(word), "\(our.name): \(word)")
        }
        #expect((our.isUp && !our.flags.contains(.running)) == words.contains("NO-CARRIER"), "\(our.name)")
      }
    }
  }

  @Test func `all counters of links agree`() async throws {
    try await withVeth { socket, _ in
      let theirs = try await rows(socket, "ip -j -d -s -s link")
      let ours = try await socket.links.all()
      // IPv6 says hello on new links while this runs: our counters lie between theirs before and after.
      let later = try await rows(socket, "ip -j -d -s -s link")
      for (our, (before, after)) in zip(ours, zip(theirs, later)) {
        let statistics = try #require(our.statistics)
        #expect(statistics.newerCounters.isEmpty)
        let received = statistics.received
        let transmitted = statistics.transmitted
        let wrong = statistics.receiveErrors
        let failed = statistics.transmitErrors
        let counters: [(String, String, UInt64)] = [
          ("rx", "bytes", received.bytes), ("rx", "packets", received.packets), ("rx", "errors", received.errors),
          ("rx", "dropped", received.dropped), ("rx", "over_errors", wrong.over),
          ("rx", "multicast", statistics.multicast), ("rx", "length_errors", wrong.length),
          ("rx", "crc_errors", wrong.crc), ("rx", "frame_errors", wrong.frame), ("rx", "fifo_errors", wrong.fifo),
          ("rx", "missed_errors", wrong.missed), ("rx", "nohandler", statistics.unhandled),
          ("rx", "otherhost_dropped", statistics.otherHostDropped), ("tx", "bytes", transmitted.bytes),
          ("tx", "packets", transmitted.packets), ("tx", "errors", transmitted.errors),
          ("tx", "dropped", transmitted.dropped), ("tx", "carrier_errors", failed.carrier),
          ("tx", "collisions", statistics.collisions), ("tx", "aborted_errors", failed.aborted),
          ("tx", "fifo_errors", failed.fifo), ("tx", "window_errors", failed.window),
          ("tx", "heartbeat_errors", failed.heartbeat),
          ("tx", "carrier_changes", our.carrierChanges.map(UInt64.init) ?? 0),
        ]
        for (direction, name, value) in counters {
          func number(_ row: [String: Any]) -> Int? {
            (row["stats64"] as? [String: [String: Any]])?[direction]?[name] as? Int
          }
          // ip prints the rare ones only when they are not 0.
          let low = number(before) ?? 0
          #expect((low...max(low, number(after) ?? 0)).contains(Int(value)), "\(our.name) \(direction) \(name)")
        }
      }
    }
  }
}
