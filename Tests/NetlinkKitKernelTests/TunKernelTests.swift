// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Tun and tap devices in the kernel", .serialized, .requires(.root), .requires(.tap))
struct TunKernelTests {
  @Test func `a device is what was asked for, and what ip says`() async throws {
    try await withVeth { socket, _ in
      let namespace = try #require(Scratch.namespace)
      for (name, settings) in [
        ("tap0", TunSettings()),
        ("tap1", TunSettings(owner: 65534, group: 7, isPersistent: true, isMultiQueue: true, hasVirtioHeader: true)),
        ("tun0", TunSettings(layer: .tun, hasPacketInformation: true)),
      ] {
        let device = try await TunDevice.make(named: InterfaceName(name), settings, in: namespace)
        #expect(device.name.rawValue == name)
        let link = try #require(try await socket.links.link(named: device.name))
        let read = try #require(link.kind)
        #expect(LinkKind.tun(settings).isMet(by: read), "\(read)")
        guard case .tun(let its) = read else { continue }
        let row = try await information(socket, name)
        #expect(its.layer.description == row["type"] as? String)
        #expect(its.hasPacketInformation == row["pi"] as? Bool)
        #expect(its.hasVirtioHeader == row["vnet_hdr"] as? Bool)
        #expect(its.isMultiQueue == row["multi_queue"] as? Bool)
        #expect(its.isPersistent == row["persist"] as? Bool)
        #expect(its.queueCount.map(Int.init) == row["numqueues"] as? Int)
        #expect(its.disabledQueueCount.map(Int.init) == row["numdisabled"] as? Int)
        #expect(its.owner == settings.owner)
        #expect(its.group == settings.group)
        try device.close()
        #expect((try await socket.links.link(named: link.name) != nil) == settings.isPersistent)
      }
    }
  }

  @Test func `the kernel chooses a name, and the device goes with its last program`() async throws {
    try await withVeth { socket, _ in
      let namespace = try #require(Scratch.namespace)
      let tap = try await TunDevice.make(in: namespace)
      let tun = try await TunDevice.make(TunSettings(layer: .tun), in: namespace)
      #expect(tap.name == "tap0")
      #expect(tun.name == "tun0")
      try tap.setPersistent(true)
      try tap.close()
      #expect(try await socket.links.link(named: "tap0") != nil)
      try tun.close()
      #expect(try await socket.links.link(named: "tun0") == nil)
      let again = try await TunDevice.open("tap0", TunSettings(), in: namespace)
      try again.setPersistent(false)
      let descriptor = again.takeDescriptor()
      #expect(try await socket.links.link(named: "tap0") != nil)
      try descriptor.close()
      #expect(try await socket.links.link(named: "tap0") == nil)
    }
  }

  @Test func `a device with several queues is opened once for each`() async throws {
    try await withVeth { socket, _ in
      let namespace = try #require(Scratch.namespace)
      let settings = TunSettings(isMultiQueue: true)
      let first = try await TunDevice.make(named: "tap0", settings, in: namespace)
      let second = try await TunDevice.open("tap0", settings, in: namespace)
      #expect(first.descriptor != second.descriptor)
      guard case .tun(let its)? = try await socket.links.link(named: "tap0")?.kind else { return }
      #expect(its.queueCount == 2)
      try second.close()
      guard case .tun(let after)? = try await socket.links.link(named: "tap0")?.kind else { return }
      #expect(after.queueCount == 1)
      try first.close()
    }
  }

  @Test func `what the kernel sends to a tap is read from it, and what is written arrives`() async throws {
    try await withVeth { socket, _ in
      let namespace = try #require(Scratch.namespace)
      let device = try await TunDevice.make(named: "tap0", in: namespace)
      let link = try #require(try await socket.links.link(named: "tap0"))
      try await socket.links.change(link.index, LinkChanges(isUp: true))
      let frame = ARPPacket(sender: IPv4Address(10, 0, 0, 1), target: IPv4Address(10, 0, 0, 2)).frame
      let written = unsafe frame.withUnsafeBytes { unsafe write(device.descriptor, $0.baseAddress, $0.count) }
      #expect(written == frame.count)
      #expect(try await socket.links.link(at: link.index)?.statistics?.received.packets == 1)
      // IPv6 says hello on a link that is up.
      var poll = pollfd(fd: device.descriptor, events: Int16(POLLIN), revents: 0)
      #expect(unsafe Glibc.poll(&poll, 1, 5000) == 1)
      var bytes = [UInt8](repeating: 0, count: 2048)
      let length = unsafe bytes.withUnsafeMutableBytes { unsafe read(device.descriptor, $0.baseAddress, $0.count) }
      #expect(length > 14)
      #expect(Array(bytes[12..<14]) == [0x86, 0xdd])
      try device.close()
    }
  }

  @Test func `what cannot be is told by code`() async throws {
    try await withVeth { socket, _ in
      let namespace = try #require(Scratch.namespace)
      func code(_ body: () async throws(NetlinkError) -> Void) async -> NetlinkError? {
        do throws(NetlinkError) { try await body() } catch { return error }
        return nil
      }
      let held = try await TunDevice.make(named: "tap0", in: namespace)
      for taken in ["tap0", "v0"] as [InterfaceName] {
        let error = await code { () async throws(NetlinkError) in
          try await TunDevice.make(named: taken, in: namespace).close()
        }
        #expect(error?.code == .exists)
        #expect(
          error?.message.contains("make tap device \"\(taken)\": a link of the name \"\(taken)\" is there") == true)
      }
      func opening(_ name: InterfaceName, _ settings: TunSettings = TunSettings()) async -> NetlinkError? {
        await code { () async throws(NetlinkError) in
          try await TunDevice.open(name, settings, in: namespace).close()
        }
      }
      #expect(await opening("tap0")?.code == .busy)
      #expect(await opening("tap0", TunSettings(layer: .tun))?.code == .invalidArgument)
      #expect(await opening("v0")?.code == .invalidArgument)
      #expect(await opening("tap9")?.code == .notFound)
      #expect(try await socket.links.link(named: "tap9") == nil)
      let byNetlink = await code { () async throws(NetlinkError) in
        try await socket.links.create(NewLink(name: "tap9", kind: .tun(TunSettings())))
      }
      #expect(byNetlink?.code == .invalidArgument)
      try held.close()
    }
  }

  @Test func `without privilege a device is refused`() async throws {
    try await withScratchNamespace { namespace in
      let error = try await withoutCapabilities(in: namespace) { () async throws -> NetlinkError? in
        do throws(NetlinkError) {
          try await TunDevice.make(in: namespace).close()
        } catch {
          return error
        }
        return nil
      }
      #expect(error?.code == .permissionDenied)
    }
  }

  @Test func `no descriptor is left open`() async throws {
    try await withScratchNamespace { namespace in
      try await expectNoDescriptorLeak {
        try await TunDevice.make(named: "tap0", in: namespace).close()
        _ = try? await TunDevice.make(named: "lo", in: namespace)
        _ = try await TunDevice.make(named: "tap1", in: namespace)
      }
    }
  }
}
