// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// The defects of `PeerDefectTests` that take the real kernel to show, by the same numbers.
@Suite("Defects of a peer, on the kernel", .serialized, .requires(.root), .timeLimit(.minutes(2)))
struct PeerDefectKernelTests {
  // 1
  @Test func `raising a link changes no other flag`() async throws {
    try await withVeth { socket, link in
      try await socket.links.change(
        link.index, LinkChanges(isUp: false, isARPEnabled: false, isPromiscuous: true, isAllMulticast: true))
      let before = try #require(try await socket.links.link(at: link.index)).flags
      #expect(before.isSuperset(of: [.multicast, .promiscuous]))
      try await socket.links.change(link.index, LinkChanges(isUp: true))
      let after = try #require(try await socket.links.link(at: link.index)).flags
      // With the link come RUNNING and LOWER_UP, which nobody sets.
      let administrative: LinkFlags = LinkFlags(rawValue: 0x1000 | 0x80 | 0x100 | 0x200)
      #expect(after.contains(.up))
      #expect(after.intersection(administrative) == before.intersection(administrative))
      #expect(before.intersection(administrative) == administrative)
    }
  }

  // 2
  @Test func `two sockets in one process both work, at the same time`() async throws {
    try await withVeth { socket, link in
      let namespace = try #require(Scratch.namespace)
      let second = try await NetlinkSocket(in: namespace)
      for mtu in [1400, 1300] as [UInt32] {
        async let one = socket.links.all()
        async let two = second.links.all()
        #expect(try await one.map(\.name) == (try await two.map(\.name)))
        try await (mtu == 1400 ? socket : second).links.change(link.index, LinkChanges(mtu: mtu))
        #expect(try await (mtu == 1400 ? second : socket).links.link(at: link.index)?.mtu == mtu)
      }
    }
  }

  // 5
  @Test func `listings while links come and go are right or an error, never short`() async throws {
    try await withVeth { socket, _ in
      let namespace = try #require(Scratch.namespace)
      let names = (0..<40).map { "stay\($0)" }
      for name in names {
        try await socket.links.create(NewLink(name: try #require(InterfaceName(name)), kind: .bridge))
      }
      let other = try await NetlinkSocket(in: namespace)
      let restless = Task {
        while !Task.isCancelled {
          try await other.links.create(NewLink(name: "restless", kind: .bridge))
          try await other.links.remove(named: "restless")
        }
      }
      for _ in 0..<10 {
        do throws(NetlinkError) {
          let listed = Set(try await socket.links.all().map(\.name.rawValue))
          #expect(listed.isSuperset(of: names))
        } catch {
          #expect(error.code == .interrupted)
        }
      }
      restless.cancel()
      _ = await restless.result
    }
  }

  // 6
  @Test func `a child inherits no socket`() async throws {
    try await withVeth { socket, _ in
      _ = try await socket.links.all()
      // Of the sockets that a child finds none is a netlink socket of the namespace; other tests' sockets may be there.
      let found = try await inNamespaceOf(
        socket, "for file in /proc/self/fd/*; do link=$(readlink $file); case $link in 'socket:['*)",
        "inode=${link#*[}; awk -v inode=${inode%]} '$NF == inode' /proc/net/netlink;; esac; done")
      #expect(found == "")
      let all = try await inNamespaceOf(socket, "tail -n +2 /proc/net/netlink | wc -l")
      #expect(Int(all.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 > 0)
    }
  }

  // 7
  @Test func `a missing device is reported by operation, name, errno word and number`() async throws {
    try await withVeth { socket, _ in
      let error = await #expect(throws: NetlinkError.self) { try await socket.links.remove(named: "nosuch") }
      #expect(error?.message == "remove link \"nosuch\": not found (RTM_DELLINK: ENODEV)")
      #expect(error?.errno == 19)
    }
  }

  // 9
  @Test func `a request waits for the kernel without a thread`() async throws {
    try await withVeth { socket, _ in
      let namespace = try #require(Scratch.namespace)
      // Listings on more sockets than the pool has threads, while every thread of it is wanted.
      var sockets: [NetlinkSocket] = []
      for _ in 0..<16 { sockets.append(try await NetlinkSocket(in: namespace, timeout: .seconds(30))) }
      try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<320 {
          let socket = sockets[number % sockets.count]
          group.addTask { try await socket.links.all().count }
        }
        for try await count in group { #expect(count == 3) }
      }
    }
  }

  // 13
  @Test func `routes of every kind are listed with the protocol that was asked for`() async throws {
    try await withVeth { socket, link in
      for block in [IPCIDR("10.9.0.0/16"), IPCIDR("fd09::/16"), nil] {
        try await socket.routes.add(Route(destination: block, interface: link.index, priority: 77))
      }
      let listed = try await socket.routes.all(table: .main).filter { $0.priority == 77 }
      #expect(listed.count == 3)
      #expect(listed.allSatisfy { $0.protocol == .static })
    }
  }
}
