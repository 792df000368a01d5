// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import ENIProvider
import ExampleSupport
import IPVLANDatapath
import LinuxSystem
import NetlinkKit
import NetworkTypes
import ServiceLB
import SystemPackage
import VPCSimulator

/// One node: a namespace with NICs from the cloud, and what an agent runs on it.
final class DemoNode: Sendable {
  let name: String
  let namespace: NetworkNamespace
  let socket: NetlinkSocket
  let address: IPv4Address
  /// Where the processes of its pods live, below that of the node.
  let podCgroup: FilePath
  /// The ENIs that pods share, by the name that manifests give them.
  let interfaces: [String: (eni: NetworkInterface, attachment: ENIAttachment)]
  let datapath: PodDatapath
  let wirer: PodWirer
  let balancer: ServiceLoadBalancer
  let flows: FlowLog
  let process: PodProcess
  private let attachments: ServiceAttachments
  /// Nil where it is pinned.
  private let bypassGuard: Attachment?

  /// Boots a node: NICs through the cloud API, programs loaded, its own server started.
  ///
  /// `podsPerInterface` says how many addresses each shared ENI needs.
  init(
    name: String, instance: InstanceIdentifier, cloud: Cloud, workspace: Workspace, podsPerInterface: [String: Int],
    progress: Progress
  ) async throws {
    self.name = name
    let namespace = try await NetworkNamespace.makeAnonymous()
    self.namespace = namespace
    await cloud.fabric.register(node: instance.rawValue, namespace: namespace)
    let socket = try await NetlinkSocket(in: namespace)
    self.socket = socket
    try await socket.links.change(.loopback, LinkChanges(isUp: true))

    let primary = try await cloud.attachInterface(to: instance, secondaryAddresses: 0)
    let gateway = try await cloud.gateway()
    let nic = try await Self.link(of: primary, on: socket)
    address = primary.primaryAddress
    try await socket.addresses.add(
      InterfaceAddress(index: nic.index, address: .v4(address), prefixLength: Cloud.prefixLength))
    try await socket.links.change(nic.index, LinkChanges(isUp: true))
    try await socket.routes.add(Route(destination: nil, gateway: .v4(gateway), interface: nic.index, isOnLink: true))
    progress.say("\(name): \(primary.id) plugged in as \(nic.name), the node's own address is \(address)")

    var interfaces: [String: (eni: NetworkInterface, attachment: ENIAttachment)] = [:]
    for (number, (label, count)) in podsPerInterface.sorted(by: { $0.key < $1.key }).enumerated() {
      let eni = try await cloud.attachInterface(to: instance, secondaryAddresses: count)
      let link = try await Self.link(of: eni, on: socket)
      interfaces[label] = (
        eni,
        ENIAttachment(
          link: link.name, index: link.index, mac: eni.mac, address: eni.primaryAddress, gateway: gateway,
          prefixLength: Cloud.prefixLength, number: UInt32(number))
      )
      progress.say("\(name): \(eni.id) plugged in as \(link.name) with \(count) addresses for pods")
    }
    self.interfaces = interfaces

    balancer = try ServiceLoadBalancer.load(pinDirectory: workspace.pins?.appending(name).appending("service"))
    // The pods' programs know the services too, for pods whose sockets are left alone.
    datapath = try PodDatapath.load(
      pinDirectory: workspace.pins?.appending(name).appending("pod"), services: balancer.maps)
    flows = try FlowLog(datapath)
    wirer = try await PodWirer(node: NodeConfiguration(address: address), namespace: namespace, datapath: datapath)
    let cgroup = try workspace.makeCgroup(of: name)
    podCgroup = try workspace.makePodCgroup(in: cgroup)
    // Before the first pod starts: a socket that has the option already keeps it.
    if let pins = workspace.pins {
      try await QdiscBypassGuard.install(onCgroup: podCgroup, pinnedAt: pins.appending(name).appending("bypass_guard"))
      bypassGuard = nil
    } else {
      bypassGuard = try QdiscBypassGuard().attach(toCgroup: podCgroup)
    }
    attachments = try await balancer.attach(
      cgroup: cgroup, pinDirectory: workspace.pins?.appending(name).appending("socket"))
    process = try await PodProcess.start(
      name: name, namespace: namespace, cgroup: cgroup, tcp: [DemoScenario.nodePort], udp: [])
    progress.say("\(name): pod programs and service programs are loaded, and its pods cannot send past them")
  }

  /// The NIC that the cloud plugged in, found by its MAC address.
  private static func link(of eni: NetworkInterface, on socket: NetlinkSocket) async throws -> Link {
    for _ in 0..<100 {
      if let link = try await socket.links.link(withAddress: eni.mac) { return link }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw ExampleError("\(eni.id) is in use but no link has its MAC address \(eni.mac)")
  }

  /// Frames that went through each of the node's ENIs, both ways.
  func wireCounters() async throws -> [String: UInt64] {
    var counters: [String: UInt64] = [:]
    for link in try await socket.links.all()
    where interfaces.values.contains(where: { $0.attachment.index == link.index })
      || link.name.rawValue.hasPrefix("eth0")
    {
      counters["\(name)/\(link.name)"] =
        (link.statistics?.received.packets ?? 0) + (link.statistics?.transmitted.packets ?? 0)
    }
    return counters
  }

  func stop() async {
    await process.stop()
    await flows.stop()
  }
}
