// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import NetlinkKit

extension KernelFeature {
  /// Links of kind TAP, by opening the device that makes them.
  fileprivate static let tap = KernelFeature("tun") {
    let descriptor = unsafe open("/dev/net/tun", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return .missing(reason: "/dev/net/tun cannot be opened") }
    close(descriptor)
    return .available
  }

  /// The program to compare with.
  fileprivate static let ethtool = KernelFeature("ethtool") {
    unsafe access("/usr/sbin/ethtool", X_OK) == 0
      ? .available : .missing(reason: "the package ethtool is not installed")
  }
}

/// Runs `body` in a scratch namespace with a veth pair that has four queues, and generic netlink there.
private func withGeneric(_ body: (NetlinkSocket, GenericNetlinkSocket) async throws -> Void) async throws {
  try await withScratchNamespace { namespace in
    try await Scratch.$namespace.withValue(namespace) {
      let socket = try await NetlinkSocket(in: namespace)
      try await socket.links.add(
        NewLink(
          name: "v0", kind: .veth(peer: VethPeer(name: "v1", isUp: true)), isUp: true, transmitQueueCount: 4,
          receiveQueueCount: 4))
      try await body(socket, GenericNetlinkSocket(in: namespace))
    }
  }
}

@Suite("Generic netlink families", .serialized, .requires(.root))
struct GenericFamilyKernelTests {
  @Test func `the controller knows itself, and a family is the same alone and in the list`() async throws {
    try await withScratchNamespace { namespace in
      let generic = try await GenericNetlinkSocket(in: namespace)
      let families = try await generic.families()
      let controller = try #require(families.first { $0.name == "nlctrl" })
      #expect(controller.id == 16)
      #expect(controller.group(named: "notify") != nil)
      #expect(Set(families.map(\.id)).count == families.count)
      for family in families {
        let one = try await generic.family(named: family.name)
        #expect(one == family)
      }
      #expect(try await generic.family(named: "no-such-family") == nil)
    }
  }

  @Test func `a family says which attributes its requests take`() async throws {
    try await withScratchNamespace { namespace in
      let generic = try await GenericNetlinkSocket(in: namespace)
      let ethtool = try #require(try await generic.family(named: "ethtool"))
      let policies = try await generic.policies(of: ethtool)
      // CTRL_ATTR_POLICY and CTRL_ATTR_OP_POLICY.
      #expect(policies.contains { !$0[8].isEmpty })
      #expect(policies.contains { !$0[9].isEmpty })
      var absent = ethtool
      absent.id = 1000
      let error = await #expect(throws: NetlinkError.self) { try await generic.policies(of: absent) }
      #expect(error?.code == .notFound)
    }
  }
}

@Suite("Ethtool settings", .serialized, .requires(.root))
struct EthtoolKernelTests {
  @Test func `a feature is switched, alone, and read back`() async throws {
    try await withGeneric { _, generic in
      let device = EthtoolDevice.name("v0")
      let before = try await generic.ethtool.features(of: device)
      #expect(before.isActive(.udpTunnelSegmentation))
      #expect(before[.udpTunnelSegmentation]?.isChangeable == true)
      let after = try await generic.ethtool.setFeatures([.udpTunnelSegmentation: false], of: device)
      #expect(!after.isActive(.udpTunnelSegmentation))
      #expect(Set(before.allActive).subtracting(after.allActive) == [.udpTunnelSegmentation])
      #expect(Set(after.allActive).isSubset(of: before.allActive))
      #expect(try await generic.ethtool.features(of: .name("v1")).isActive(.udpTunnelSegmentation))
      let changes: [OffloadFeature: Bool] = [
        .udpTunnelSegmentation: true, .genericReceive: true, .udpReceiveForwarding: true,
      ]
      let again = try await generic.ethtool.setFeatures(changes, of: device)
      #expect(again.isActive(.udpTunnelSegmentation) && again.isActive(.udpReceiveForwarding))
      #expect(try await generic.ethtool.setFeatures([:], of: device) == again)
    }
  }

  @Test func `a link is the same by index and by name`() async throws {
    try await withGeneric { socket, generic in
      let link = try #require(try await socket.links.link(named: "v0"))
      let byIndex = try await generic.ethtool.features(of: .index(link.index))
      #expect(byIndex == (try await generic.ethtool.features(of: .name("v0"))))
      #expect(try await generic.ethtool.channels(of: .index(link.index)).receive == 4)
    }
  }

  @Test func `features that the kernel accepted and did not switch are listed with the reason`() async throws {
    try await withGeneric { _, generic in
      let device = EthtoolDevice.name("v0")
      let fixed = await #expect(throws: NetlinkError.self) {
        try await generic.ethtool.setFeatures([.receiveVLANFilter: true, .udpTunnelSegmentation: false], of: device)
      }
      #expect(fixed?.code == .diverged)
      #expect(fixed?.reason == "the device did not do all: rx-vlan-filter is off (fixed)")
      // The rest was done.
      let features = try await generic.ethtool.features(of: device)
      #expect(!features.isActive(.udpTunnelSegmentation))

      // Without scatter-gather there is no cutting up of TCP.
      try await generic.ethtool.setFeatures([.scatterGather: false], of: device)
      let dependent = await #expect(throws: NetlinkError.self) {
        try await generic.ethtool.setFeatures([.tcpSegmentation: true], of: device)
      }
      #expect(dependent?.reason.contains("tx-tcp-segmentation is off (something that it needs is off)") == true)
      #expect(try await generic.ethtool.features(of: device)[.tcpSegmentation]?.isWanted == true)
    }
  }

  @Test func `what is absent is said in these words`() async throws {
    try await withGeneric { _, generic in
      let ethtool = generic.ethtool
      let absent = await #expect(throws: NetlinkError.self) { try await ethtool.features(of: .name("no-such")) }
      #expect(absent?.code == .notFound)
      let unknown = await #expect(throws: NetlinkError.self) {
        try await ethtool.setFeatures(["tx-no-such-feature": true], of: .name("v0"))
      }
      #expect(unknown?.code == .notSupported)
      let rings = await #expect(throws: NetlinkError.self) { try await ethtool.rings(of: .name("v0")) }
      #expect(rings?.code == .notSupported)
      let setRings = await #expect(throws: NetlinkError.self) {
        try await ethtool.setRings(DeviceRings(receive: 64), of: .name("v0"))
      }
      #expect(setRings?.code == .notSupported)
      let coalescing = await #expect(throws: NetlinkError.self) { try await ethtool.coalescing(of: .name("lo")) }
      #expect(coalescing?.code == .notSupported)
      let tooFar = try #require(InterfaceIndex(rawValue: 1 << 31))
      let index = await #expect(throws: NetlinkError.self) { try await ethtool.channels(of: .index(tooFar)) }
      #expect(index?.code == .invalidArgument)
      let tooMany = await #expect(throws: NetlinkError.self) {
        try await ethtool.setChannels(DeviceChannels(receive: 5), of: .name("v0"))
      }
      #expect(tooMany?.code == .invalidArgument)
    }
  }

  @Test func `numbers of channels change, those that are named`() async throws {
    try await withGeneric { socket, generic in
      let device = EthtoolDevice.name("v0")
      let before = try await generic.ethtool.channels(of: device)
      #expect(before.maximumReceive == 4)
      #expect(before.maximumTransmit == 4)
      let after = try await generic.ethtool.setChannels(DeviceChannels(receive: 2), of: device)
      #expect(after.receive == 2)
      #expect(after.transmit == before.transmit)
      #expect(try await inNamespaceOf(socket, "ethtool -l v0").contains("RX:\t\t2"))
    }
  }

  @Test func `a veth says its speed, its plug and its carrier`() async throws {
    try await withGeneric { socket, generic in
      let device = EthtoolDevice.name("v0")
      let modes = try await generic.ethtool.linkModes(of: device)
      #expect(modes.speed == 10_000)
      #expect(modes.duplex == .full)
      #expect(modes.supported.isEmpty)
      #expect(try await generic.ethtool.linkInformation(of: device).port == .twistedPair)
      #expect(try await generic.ethtool.linkState(of: device).hasCarrier == true)
      let peer = try #require(try await socket.links.link(named: "v1"))
      try await socket.links.change(peer.index, LinkChanges(isUp: false))
      #expect(try await generic.ethtool.linkState(of: device).hasCarrier == false)
    }
  }

  @Test(.requires(.tap)) func `coalescing of a TAP link changes, what it cannot is said`() async throws {
    try await withGeneric { socket, generic in
      try await inNamespaceOf(socket, "ip tuntap add t0 mode tap")
      let device = EthtoolDevice.name("t0")
      #expect(try await generic.ethtool.coalescing(of: device).receiveFrames == 0)
      let after = try await generic.ethtool.setCoalescing(DeviceCoalescing(receiveFrames: 9), of: device)
      #expect(after.receiveFrames == 9)
      let printed = try await inNamespaceOf(socket, "ethtool -c t0").split(separator: "\n")
      #expect(printed.first { $0.hasPrefix("rx-frames:") }?.split { $0 == "\t" || $0 == " " }.last == "9")
      // The driver rounds down to what its batches hold (NAPI_POLL_WEIGHT).
      let rounded = await #expect(throws: NetlinkError.self) {
        try await generic.ethtool.setCoalescing(DeviceCoalescing(receiveFrames: 1000), of: device)
      }
      #expect(rounded?.code == .diverged)
      #expect(rounded?.reason == "the device did not do all: receiveFrames is 64, not 1000")
      let absent = await #expect(throws: NetlinkError.self) {
        try await generic.ethtool.setCoalescing(DeviceCoalescing(transmitMicroseconds: 5), of: device)
      }
      // One that the driver lacks is EINVAL before it is EOPNOTSUPP; the kernel's words tell.
      #expect(absent?.kernelMessage?.contains("unsupported") == true)
    }
  }

  @Test func `without capabilities features are read, and not switched`() async throws {
    try await withGeneric { _, _ in
      let namespace = try #require(Scratch.namespace)
      try await withoutCapabilities(in: namespace) {
        let generic = GenericNetlinkSocket(over: NetlinkSocket(over: try KernelTransport(.generic)))
        #expect(try await generic.ethtool.features(of: .name("v0")).isActive(.genericSegmentation))
        let error = await #expect(throws: NetlinkError.self) {
          try await generic.ethtool.setFeatures([.genericSegmentation: false], of: .name("v0"))
        }
        #expect(error?.code == .permissionDenied)
      }
    }
  }
}

/// What this module reads is what `ethtool` prints.
@Suite("Features beside ethtool -k", .serialized, .requires(.root), .requires(.ethtool))
struct EthtoolComparisonTests {
  @Test(arguments: ["v0", "br0", "lo"]) func `every feature agrees`(name: String) async throws {
    try await withGeneric { socket, generic in
      try await socket.links.create(NewLink(name: "br0", kind: .bridge))
      try await inNamespaceOf(
        socket, "ethtool -K \(name) tx-scatter-gather off tx-udp_tnl-segmentation off 2>/dev/null || true")
      let text = try await inNamespaceOf(socket, "ethtool --json -k \(name)")
      let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8))
      let rows = try #require((parsed as? [[String: Any]])?.first)
      let ours = try await generic.ethtool.features(of: .name(try #require(InterfaceName(name))))
      var compared = 0
      for feature in ours.all {
        guard let row = rows[feature.rawValue] as? [String: Any], let state = ours[feature] else { continue }
        compared += 1
        #expect(state.isActive == row["active"] as? Bool, "\(name): \(feature)")
        #expect(state.isChangeable != row["fixed"] as? Bool, "\(name): \(feature)")
        #expect(state.isWanted == row["requested"] as? Bool, "\(name): \(feature)")
      }
      // The rest goes by other names in ethtool's old list.
      #expect(compared > 40)
    }
  }
}
