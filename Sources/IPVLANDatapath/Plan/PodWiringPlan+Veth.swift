// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension PodWiringPlan {
  /// Traffic *to* a pod asks the main table, before anything else.
  static let toPodPriority: UInt32 = 512
  /// Traffic *from* a pod, to what is not on this node, asks the table of its ENI.
  static let fromPodPriority: UInt32 = 2048
  /// The next hop pods see: an address nobody has, with a permanent neighbour entry.
  static let linkLocalGateway = IPv4Address(169, 254, 1, 1)

  /// The pod's link is one end of a veth pair; the node routes, one table per ENI.
  ///
  /// - Every neighbour between pod and node is permanent: there is no ARP on the pair.
  /// - Strict reverse path filtering can stay on. The kernel's reverse lookup goes through the same rules, so a packet
  ///   to the pod that came in by its ENI finds that ENI on the way back (measured on 6.1 and 6.18).
  /// - The ENI carries its own primary address, so that its ARP requests have a source that belongs to it.
  static func vethSteps(node: NodeConfiguration, eni: ENIAttachment, pod: PodAttachment) -> [Step] {
    let nodeLink = Ownership.nodeLink(of: pod)
    let podLink = pod.interface
    let nodeMAC = Ownership.mac(of: pod, end: "node")
    let podMAC = Ownership.mac(of: pod, end: "pod")
    var steps: [Step] = []
    func add(_ place: Place, _ object: PlannedObject, shared: Bool = false) {
      steps.append(Step(place: place, object: object, isShared: shared))
    }

    add(.node, .sysctl(path: "net/ipv4/ip_forward", value: "1"), shared: true)
    add(.node, .up(link: eni.link, isARPEnabled: nil), shared: true)
    add(.node, .address(eni.address, prefixLength: 32, link: eni.link, isHostScope: false), shared: true)
    add(
      .node,
      .route(PlannedRoute(destination: nil, gateway: eni.gateway, link: eni.link, table: eni.routeTable)), shared: true)

    add(
      .node,
      .link(
        PlannedLink(
          name: nodeLink, kind: .veth(mac: nodeMAC, peer: podLink, peerMAC: podMAC), mtu: node.mtu,
          alias: Ownership.alias(of: pod.pod))))
    // Before the links are up, so that nothing passes unseen.
    if let programs = programs(of: pod, on: nodeLink, side: .node) { add(.node, programs) }
    add(.pod, .peer(link: podLink, mac: podMAC, mtu: node.mtu, alias: Ownership.alias(of: pod.pod)))
    add(.pod, .address(pod.address, prefixLength: 32, link: podLink, isHostScope: false))
    add(.pod, .up(link: podLink, isARPEnabled: nil))
    add(.node, .up(link: nodeLink, isARPEnabled: nil))
    add(.pod, .neighbour(linkLocalGateway, mac: nodeMAC, link: podLink))
    add(.pod, .route(PlannedRoute(destination: nil, gateway: linkLocalGateway, link: podLink)))
    add(.node, .neighbour(pod.address, mac: podMAC, link: nodeLink))
    add(.node, .route(PlannedRoute(destination: .host(pod.address), link: nodeLink, source: node.address)))
    add(.node, .rule(PlannedRule(priority: toPodPriority, destination: pod.address)))
    add(.node, .rule(PlannedRule(priority: fromPodPriority, source: pod.address, table: eni.routeTable)))
    add(.node, localPod(pod, parent: 0))
    return steps
  }
}
