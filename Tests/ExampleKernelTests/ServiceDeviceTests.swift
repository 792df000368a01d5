// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import ExampleTestSupport
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import SystemPackage
import Testing

/// `svclb apply --attach`: packets are translated at devices, and no socket is.
@Suite("svclb at devices", .serialized, .requires(.root), .timeLimit(.minutes(8)))
struct ServiceDeviceTests {
  @Test func `a pod's own device translates when apply has ended, until detach`() async throws {
    try await DeviceScene.with { scene in
      try await scene.list("7\t10.96.0.7\ttcp\t8080\t10.64.0.1:8080\n8\t10.96.0.7\tudp\t4789\t10.64.0.1:4789\n")
      #expect(try await !scene.reaches("10.96.0.7"))
      let printed = try await scene.apply("\(scene.clientPath):eth0")
      #expect(try JSONDecoder().decode([String: Double].self, from: Data(printed.utf8)).keys.sorted() == ["program_ms"])
      #expect(try await scene.reaches("10.96.0.7"))
      #expect(
        try await Traffic.udp(from: scene.client, to: scene.node, at: IPv4Address(10, 96, 0, 7)) == scene.clientAddress)
      #expect(try await !scene.reaches("10.96.0.9"))
      // Another address than the pod's is spoofed.
      let forged = IPv4Address(10, 64, 0, 77)
      try await NetlinkSocket(in: scene.client).addresses.add(
        InterfaceAddress(index: .loopback, address: .v4(forged), prefixLength: 32))
      #expect(
        try await Traffic.udp(from: scene.client, bound: forged, to: scene.node, at: IPv4Address(10, 64, 0, 1)) == nil)
      // Again, with other services: what is attached stays attached, once.
      let before = try await scene.programs(of: "eth0", in: scene.client)
      #expect(before.count == 2)
      try await scene.list("9\t10.96.0.9\ttcp\t8080\t10.64.0.1:8080\n")
      try await scene.apply("\(scene.clientPath):eth0=pod")
      #expect(try await scene.programs(of: "eth0", in: scene.client) == before)
      #expect(try await scene.reaches("10.96.0.9"))
      #expect(try await !scene.reaches("10.96.0.7"))
      try await scene.svclb("detach")
      #expect(try await !scene.reaches("10.96.0.9"))
      #expect(try await scene.programs(of: "eth0", in: scene.client).isEmpty)
      #expect(try FileSystem.entries(of: scene.pins).isEmpty)
      // Nothing is in the way afterwards.
      let heard = try await Traffic.tcp(from: scene.client, to: scene.node, at: IPv4Address(10, 64, 0, 1))
      #expect(heard == scene.clientAddress)
      try await scene.svclb("detach")
    }
  }

  @Test func `the node's end of a pair serves the pod behind it, which notices nothing`() async throws {
    try await DeviceScene.with { scene in
      try await scene.list("7\t10.96.0.7\ttcp\t8080\t10.64.0.1:8080\n")
      try await scene.apply("\(scene.nodePath):client")
      #expect(try await scene.reaches("10.96.0.7"))
      #expect(try await scene.programs(of: "eth0", in: scene.client).isEmpty)
      #expect(try await scene.programs(of: "client", in: scene.node).count == 2)
      // The pod's packets pass there already.
      let outcome = try await scene.run(["--attach", "\(scene.clientPath):eth0"])
      #expect(outcome.status == 69 && outcome.errors.contains("\(scene.nodePath):client already"), "\(outcome.errors)")
      #expect(try await scene.reaches("10.96.0.7"))
      // Without its services the maps stay for the next apply.
      try await scene.svclb("detach", "--keep-maps")
      #expect(try await !scene.reaches("10.96.0.7"))
      try await scene.apply("\(scene.clientPath):eth0")
      #expect(try await scene.reaches("10.96.0.7"))
    }
  }

  @Test func `a pod that comes again with its name and another address is served`() async throws {
    try await DeviceScene.with { scene in
      try await scene.list("7\t10.96.0.7\ttcp\t8080\t10.64.0.1:8080\n")
      try await scene.apply("\(scene.clientPath):eth0")
      #expect(try await scene.reaches("10.96.0.7"))
      let socket = try await NetlinkSocket(in: scene.client)
      let link = try #require(try await socket.links.link(named: "eth0"))
      for address in try await socket.addresses.all(on: link.index) { try await socket.addresses.remove(address) }
      let address = IPv4Address(10, 64, 0, 3)
      try await socket.addresses.add(InterfaceAddress(index: link.index, address: .v4(address), prefixLength: 24))
      try await socket.routes.replace(
        Route(destination: nil, gateway: .v4(IPv4Address(10, 64, 0, 1)), interface: link.index))
      #expect(try await scene.connect("10.96.0.7") == nil)
      try await scene.apply("\(scene.clientPath):eth0")
      #expect(try await scene.connect("10.96.0.7") == address)
      #expect(try await scene.programs(of: "eth0", in: scene.client).count == 2)
    }
  }

  @Test func `a device that is gone is forgotten, and so is its pod`() async throws {
    try await DeviceScene.with { scene in
      try await scene.list("7\t10.96.0.7\ttcp\t8080\t10.64.0.1:8080\n")
      let node = try await NetlinkSocket(in: scene.node)
      let client = try await NetlinkSocket(in: scene.client)
      let link = try await node.links.add(
        NewLink(name: "other", kind: .veth(peer: VethPeer(name: "eth1", namespace: scene.client)), isUp: true))
      let end = try #require(try await client.links.link(named: "eth1"))
      try await client.addresses.add(
        InterfaceAddress(index: end.index, address: .v4(IPv4Address(10, 66, 0, 2)), prefixLength: 24))
      try await scene.apply("\(scene.clientPath):eth1")
      let devices = scene.pins.appending("packet").appending("devices")
      #expect(try FileSystem.entries(of: devices).map { $0.prefix(6) } == ["pod-1@"])
      #expect(try FileSystem.entries(of: devices).first?.hasSuffix(":eth1") == true)
      try await node.links.remove(link.index)
      try await scene.apply("\(scene.clientPath):eth0")
      #expect(try FileSystem.entries(of: devices).map { $0.prefix(6) } == ["pod-1@"])
      #expect(try FileSystem.entries(of: devices).first?.hasSuffix(":eth0") == true)
      #expect(try await scene.reaches("10.96.0.7"))
    }
  }

  @Test func `a device of the node serves clients outside, and nobody at cluster IPs`() async throws {
    try await DeviceScene.with { scene in
      try webManifests(endpoint: "10.64.0.1", externalIPs: ["192.0.2.7"]).write(
        toFile: scene.manifest.string, atomically: true, encoding: .utf8)
      #expect(try await !scene.reaches("192.0.2.7"))
      for _ in 0..<2 {
        try await scene.apply("\(scene.nodePath):client=node", more: ["--node-address", "10.64.0.1"])
        #expect(try await scene.reaches("192.0.2.7"))
        #expect(try await !scene.reaches("10.96.1.1"))
        #expect(try await scene.programs(of: "client", in: scene.node).count == 2)
      }
      // What the device is, may change: a pod's packets are translated for cluster IPs too.
      try await scene.apply("\(scene.nodePath):client=host")
      #expect(try await scene.reaches("10.96.1.1"))
      try await scene.svclb("detach")
      #expect(try await !scene.reaches("192.0.2.7"))
    }
  }

  @Test func `an endpoint on this node that is not attached answers clients outside`() async throws {
    try await DeviceScene.with { scene in
      // A pod of the node, by a pair that no program is at.
      try await withScratchNamespace { pod in
        let here = try await NetlinkSocket(in: scene.node)
        let there = try await NetlinkSocket(in: pod)
        let link = try await here.links.add(
          NewLink(name: "pod", kind: .veth(peer: VethPeer(name: "eth0", namespace: pod, isUp: true)), isUp: true))
        let end = try #require(try await there.links.link(named: "eth0"))
        let (gateway, address) = (IPv4Address(10, 67, 0, 1), IPv4Address(10, 67, 0, 2))
        try await here.addresses.add(InterfaceAddress(index: link.index, address: .v4(gateway), prefixLength: 24))
        try await there.addresses.add(InterfaceAddress(index: end.index, address: .v4(address), prefixLength: 24))
        try await there.routes.add(Route(destination: nil, gateway: .v4(gateway), interface: end.index))
        let manifests = webManifests(endpoint: "10.67.0.2", externalIPs: ["192.0.2.7"])
        try manifests.replacing("addresses: [10.67.0.2]", with: "addresses: [10.67.0.2], nodeName: here").write(
          toFile: scene.manifest.string, atomically: true, encoding: .utf8)
        func seen() async throws -> IPv4Address? {
          try await Traffic.tcp(from: scene.client, to: pod, at: IPv4Address(192, 0, 2, 7))
        }
        let device = "\(scene.nodePath):client=node"
        try await scene.apply(device, more: ["--node-address", "10.64.0.1", "--node", "here"])
        #expect(try await seen() == scene.clientAddress)
        // One of another node's sees this node.
        try await scene.apply(device, more: ["--node-address", "10.64.0.1", "--node", "there"])
        #expect(try await seen() != scene.clientAddress)
        try await scene.svclb("detach")
      }
    }
  }

  @Test func `what cannot be attached is named, with what helps, and nothing is written`() async throws {
    try await DeviceScene.with { scene in
      try await scene.list("7\t10.96.0.7\ttcp\t8080\t10.64.0.1:8080\n")
      let path = scene.clientPath
      for (device, words) in [
        ("nowhere:eth0", ["nowhere", "ip netns list"]), ("/proc/self/ns/nothing:eth0", ["/proc/self/ns/nothing"]),
        ("\(path):eth9", ["eth9", "there are eth0"]), ("\(path):lo", ["lo", "Ethernet"]),
      ] {
        let outcome = try await scene.run(["--attach", device])
        #expect(outcome.status == 69, "\(device): \(outcome.errors)")
        for word in words { #expect(outcome.errors.contains(word), "\(device): \(outcome.errors)") }
        #expect(outcome.output.isEmpty)
      }
      let socket = try await NetlinkSocket(in: scene.client)
      let link = try #require(try await socket.links.link(named: "eth0"))
      let second = InterfaceAddress(index: link.index, address: .v4(IPv4Address(10, 65, 0, 2)), prefixLength: 24)
      try await socket.addresses.add(second)
      let two = try await scene.run(["--attach", "\(path):eth0"])
      #expect(two.status == 69 && two.errors.contains("10.64.0.2, 10.65.0.2"), "\(two.errors)")
      for address in try await socket.addresses.all(on: link.index) { try await socket.addresses.remove(address) }
      let none = try await scene.run(["--attach", "\(path):eth0"])
      #expect(none.status == 69 && none.errors.contains("has no address"), "\(none.errors)")
      let host = try await scene.run(["--attach", "\(scene.nodePath):client"])
      #expect(host.status == 69 && host.errors.contains("=node"), "\(host.errors)")
      #expect(try FileSystem.entries(of: scene.pins).isEmpty)
    }
  }

  @Test func `a second load balancer leaves the first one's device to it`() async throws {
    try await DeviceScene.with { scene in
      try await scene.list("7\t10.96.0.7\ttcp\t8080\t10.64.0.1:8080\n")
      try await scene.apply("\(scene.clientPath):eth0")
      let other = scene.pins.removingLastComponent().appending("other")
      let outcome = try await Program("svclb").run(
        [
          "apply", "--manifests", scene.manifest.string, "--pin", other.string, "--attach", "\(scene.clientPath):eth0",
        ])
      #expect(outcome.status == 69 && outcome.errors.contains("--pin"), "\(outcome.errors)")
      #expect(try await scene.reaches("10.96.0.7"))
      #expect(try await scene.programs(of: "eth0", in: scene.client).count == 2)
    }
  }
}

/// A node that forwards and serves, and a client at a veth pair of its own; no socket is in a control group of `svclb`.
private struct DeviceScene {
  let folder: FilePath
  let pins: FilePath
  let client: NetworkNamespace
  let node: NetworkNamespace
  let clientAddress = IPv4Address(10, 64, 0, 2)

  var manifest: FilePath { folder.appending("services.yaml") }
  /// Where another process finds the namespaces.
  var clientPath: String { "/proc/\(getpid())/fd/\(client.descriptor)" }
  var nodePath: String { "/proc/\(getpid())/fd/\(node.descriptor)" }

  static func with(_ body: (DeviceScene) async throws -> Void) async throws {
    try await withPinFolder { folder, pins in
      try await withScratchNamespace { client in
        try await withScratchNamespace { node in
          let scene = DeviceScene(folder: folder, pins: pins, client: client, node: node)
          try await scene.wire()
          try await body(scene)
        }
      }
    }
  }

  private func wire() async throws {
    let here = try await NetlinkSocket(in: node)
    let there = try await NetlinkSocket(in: client)
    try await Sysctl.write("1", to: "net/ipv4/ip_forward", in: node)
    let peer = VethPeer(name: "eth0", namespace: client, isUp: true)
    let link = try await here.links.add(NewLink(name: "client", kind: .veth(peer: peer), isUp: true))
    let end = try #require(try await there.links.link(named: "eth0"))
    let gateway = IPv4Address(10, 64, 0, 1)
    try await here.addresses.add(InterfaceAddress(index: link.index, address: .v4(gateway), prefixLength: 24))
    try await there.addresses.add(InterfaceAddress(index: end.index, address: .v4(clientAddress), prefixLength: 24))
    try await there.routes.add(Route(destination: nil, gateway: .v4(gateway), interface: end.index))
  }

  func list(_ text: String) async throws {
    try text.write(toFile: manifest.string, atomically: true, encoding: .utf8)
  }

  func run(_ more: [String]) async throws -> Program.Outcome {
    try await Program("svclb").run(["apply", "--manifests", manifest.string, "--pin", pins.string] + more)
  }

  @discardableResult
  func apply(_ device: String, more: [String] = []) async throws -> String {
    let outcome = try await run(["--attach", device] + more)
    #expect(outcome.status == 0, "\(device): \(outcome.errors)")
    return outcome.output
  }

  func svclb(_ arguments: String...) async throws {
    let outcome = try await Program("svclb").run(arguments + ["--pin", pins.string])
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
  }

  /// Whom the server sees when the client connects to port 8080 of an address; nil: nobody.
  func connect(_ address: String) async throws -> IPv4Address? {
    try await Traffic.tcp(from: client, to: node, at: try #require(IPv4Address(address)))
  }

  func reaches(_ address: String) async throws -> Bool { try await connect(address) == clientAddress }

  /// The programs of both directions of a device, by identifier.
  func programs(of device: InterfaceName, in namespace: NetworkNamespace) async throws -> [UInt32] {
    let link = try #require(try await NetlinkSocket(in: namespace).links.link(named: device))
    var found: [UInt32] = []
    for direction in TrafficControlDirection.allCases {
      found += try await BPFAttachments.atTrafficControl(direction, of: link.index.rawValue, in: namespace)
        .programs.map(\.program.identifier)
    }
    return found
  }
}
