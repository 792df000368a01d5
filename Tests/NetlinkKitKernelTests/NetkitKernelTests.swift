// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// `ip` of these machines does not know netkit: both ends are compared with each other.
@Suite("Netkit pairs in the kernel", .serialized, .requires(.root), .requires(.netkit))
struct NetkitKernelTests {
  @Test(arguments: [NetkitMode.l2, .l3])
  func `a pair is what was asked for, with its peer in another namespace`(mode: NetkitMode) async throws {
    try await withVeth { socket, _ in
      let there = try await NetworkNamespace.makeAnonymous()
      let settings = NetkitSettings(mode: mode, policy: .drop, peerPolicy: .pass)
      let kind = LinkKind.netkit(
        peer: VethPeer(name: "eth0", namespace: there, mtu: 1400, isUp: true), settings)
      let link = try await socket.links.add(NewLink(name: "nk0", kind: kind, isUp: true))
      let read = try #require(link.kind)
      #expect(kind.isMet(by: read), "\(read)")
      let peer = try #require(try await NetlinkSocket(in: there).links.link(named: "eth0"))
      #expect(peer.isUp)
      #expect(peer.mtu == 1400)
      #expect(peer.parentIndex == link.index)
      guard case .netkit(nil, let ours) = read, case .netkit(nil, let theirs)? = peer.kind else {
        Issue.record("no netkit")
        return
      }
      #expect(ours.isPrimary == true)
      #expect(theirs.isPrimary == false)
      #expect((ours.mode, theirs.mode) == (mode, mode))
      #expect((theirs.policy, theirs.peerPolicy) == (ours.peerPolicy, ours.policy))

      try await socket.links.change(
        link.index, LinkChanges(settings: .netkit(NetkitSettings(policy: .pass, peerPolicy: .drop))))
      guard case .netkit(_, let after)? = try await socket.links.link(at: link.index)?.kind else { return }
      #expect((after.policy, after.peerPolicy) == (.pass, .drop))
      let fixed = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(settings: .netkit(NetkitSettings(mode: mode))))
      }
      #expect(fixed?.code == .permissionDenied)
      #expect(fixed?.message.contains("is fixed when it is created") == true)
      try await socket.links.remove(link.index)
      #expect(try await NetlinkSocket(in: there).links.link(named: "eth0") == nil)
    }
  }

  @Test func `a pair without link layer takes no address`() async throws {
    try await withVeth { socket, _ in
      let address = try #require(MACAddress("02:00:00:00:00:09"))
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.create(NewLink(name: "nk0", kind: .netkit(), address: address))
      }
      #expect(error?.code == .notSupported)
      #expect(error?.message.contains("in mode l3 neither end takes a link-layer address") == true)
      // A peer without a name is made first, and is nk0.
      let link = try await socket.links.add(
        NewLink(name: "t0", kind: .netkit(peer: nil, NetkitSettings(mode: .l2)), address: address))
      #expect(link.address == address)
      #expect(try await socket.links.link(named: "nk0")?.parentIndex == link.index)
      let taken = await #expect(throws: NetlinkError.self) {
        try await socket.links.create(NewLink(name: "nk1", kind: .netkit(peer: VethPeer(name: "nk0"))))
      }
      #expect(taken?.code == .exists)
      #expect(taken?.message.contains("or its peer \"nk0\" already exists") == true)
    }
  }
}
