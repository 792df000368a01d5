// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// A client outside, two nodes and a pod on the second, in namespaces of their own; a switch between the first three.
///
/// Port 80 of a service's address, and the node port 30080, are at the first node, whose name is `front`: of TCP and UDP in
/// both families.
struct NodeNetwork {
  /// A node: what it knows, and its programs.
  struct Node: ~Copyable {
    let services: TestServices
    let pods: PodDatapath
    let programs: NodeDatapath
  }

  let fabric: NetworkNamespace
  let client: NetworkNamespace
  let front: NetworkNamespace
  let back: NetworkNamespace
  let pod: NetworkNamespace

  static func run(
    forwarding: NodeDatapath.Forwarding, flags: UInt32 = NodeFixture.external,
    _ body: (NodeNetwork, _ front: borrowing Node, _ back: borrowing Node) async throws -> Void
  ) async throws {
    let front = try node(at: { $0.front }, forwarding, flags)
    let back = try node(at: { $0.back }, forwarding, flags)
    for family in Family.allCases { try back.pods.localPods.updateValue(0, forKey: ip_address(family.farPod)) }
    try front.programs.setPeers(Set(Family.allCases.map(\.back)))
    try back.programs.setPeers(Set(Family.allCases.map(\.front)))
    try await withScratchNamespace { fabric in
      try await withScratchNamespace { client in
        try await withScratchNamespace { frontSpace in
          try await withScratchNamespace { backSpace in
            try await withScratchNamespace { pod in
              let network = NodeNetwork(
                fabric: fabric, client: client, front: frontSpace, back: backSpace, pod: pod)
              try await network.wire()
              let atFront = try await attach(front.programs, in: frontSpace)
              let atBack = try await attach(back.programs, in: backSpace)
              try await body(network, front, back)
              try await atFront.ingress.detach()
              try await atFront.egress.detach()
              try await atBack.ingress.detach()
              try await atBack.egress.detach()
            }
          }
        }
      }
    }
  }

  private static func node(
    at address: (Family) -> IPAddress, _ forwarding: NodeDatapath.Forwarding, _ flags: UInt32
  ) throws -> Node {
    let services = try TestServices()
    let pods = try PodDatapath.load(pinDirectory: nil, limits: .small)
    let programs = try NodeDatapath.load(
      services: services.maps, pods: pods, masquerade: .init(ipv4: address(.v4).v4, ipv6: address(.v6).v6),
      forwarding: forwarding, flows: 256)
    for family in Family.allCases {
      try services.maps.nodeAddresses.updateValue(present(), forKey: ip_address(address(family)))
    }
    for (family, kind) in TestSockets.ways {
      for (address, port, more) in [
        (family.vip, UInt16(80), UInt32(0)), (family.unspecified, 30_080, UInt32(FRONTEND_NODE_PORT)),
      ] {
        try services.add(
          address, port, kind.ipProtocol, to: [.init(address: family.farPod, port: 8080)], flags: flags | more,
          configuration: flags & UInt32(FRONTEND_CONFIGURED) == 0 ? service_config() : NodeFixture.directConfiguration)
      }
    }
    return Node(services: services, pods: pods, programs: programs)
  }

  private struct Attached: ~Copyable {
    let ingress: BPFMaps.Attachment
    let egress: BPFMaps.Attachment
  }

  private static func attach(_ programs: borrowing NodeDatapath, in namespace: NetworkNamespace) async throws
    -> Attached
  {
    let index = try await namespace.run { unsafe if_nametoindex("eth0") }
    return Attached(
      ingress: try await programs.fromOutside.attach(toTrafficControl: .ingress, of: index, in: namespace),
      egress: try await programs.toOutside.attach(toTrafficControl: .egress, of: index, in: namespace))
  }

  private func wire() async throws {
    for namespace in [client, front, back, pod] { try await skipDuplicateDetection(in: namespace) }
    try await ip("link add br0 type bridge", in: fabric)
    try await ip("link set br0 up", in: fabric)
    for (number, namespace) in [client, front, back].enumerated() {
      let path = "/proc/\(getpid())/fd/\(namespace.descriptor)"
      try await ip("link add port\(number) type veth peer name eth0 netns \(path)", in: fabric)
      try await ip("link set port\(number) master br0 up", in: fabric)
      for family in Family.allCases {
        let address = [family.outside, family.front, family.back][number]
        try await ip("address add \(address)/\(family == .v4 ? "24" : "64 nodad") dev eth0", in: namespace)
      }
      try await ip("link set eth0 up", in: namespace)
      if number > 0 { try await Self.forward(namespace) }
    }
    let path = "/proc/\(getpid())/fd/\(pod.descriptor)"
    try await ip("link add pod0 type veth peer name eth0 netns \(path)", in: back)
    try await ip("link set pod0 up", in: back)
    try await ip("link set eth0 up", in: pod)
    for family in Family.allCases {
      let option = family == .v4 ? "-4" : "-6"
      let bits = family == .v4 ? "24" : "64 nodad"
      try await ip("address add \(family.farPod)/\(bits) dev eth0", in: pod)
      try await ip("address add \(family.farGateway)/\(bits) dev pod0", in: back)
      try await ip("\(option) route add default via \(family.farGateway)", in: pod)
      try await ip("\(option) route add \(family.farPod) via \(family.back)", in: front)
      try await ip("\(option) route add \(family.vip) via \(family.front)", in: client)
    }
  }

  static func forward(_ namespace: NetworkNamespace) async throws {
    for setting in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
      try await Sysctl.write("1", to: "net/\(setting)", in: namespace)
    }
  }
}

extension Family {
  private func address(_ network: UInt8, _ host: UInt8) -> IPAddress {
    self == .v4
      ? .v4(IPv4Address(10, 9, network, host))
      : .v6(IPv6Address(high: 0xfd09 << 48 | UInt64(network), low: UInt64(host)))
  }
  /// The client outside.
  var outside: IPAddress { address(0, 7) }
  /// The node that it reaches.
  var front: IPAddress { address(0, 1) }
  /// The backend's node.
  var back: IPAddress { address(0, 2) }
  /// The backend, and its gateway.
  var farPod: IPAddress { address(1, 5) }
  var farGateway: IPAddress { address(1, 1) }
}
