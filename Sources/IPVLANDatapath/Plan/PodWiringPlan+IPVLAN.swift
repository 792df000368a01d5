// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension PodWiringPlan {
  /// The pod's link is a slave of the ENI; the node has a slave of its own beside it.
  ///
  /// - The ENI itself carries no address: its own transmit path does not reach its slaves.
  /// - All slaves share the ENI's MAC. A frame to one's own MAC is delivered inside the driver, to the slave that owns
  ///   the destination address. So the pod's neighbour entry for the node is its own MAC, and the helper has no ARP:
  ///   its frames go to its own MAC too.
  /// - The helper owns the node's address a second time, scope host. The first stays on the primary NIC.
  static func ipvlanSteps(node: NodeConfiguration, eni: ENIAttachment, pod: PodAttachment) -> [Step] {
    let helper = Ownership.helper(on: eni)
    let slave = pod.interface
    var steps: [Step] = []
    func add(_ place: Place, _ object: PlannedObject, shared: Bool = false) {
      steps.append(Step(place: place, object: object, isShared: shared))
    }

    add(.node, .up(link: eni.link, isARPEnabled: nil), shared: true)
    add(
      .node,
      .link(
        PlannedLink(
          name: helper, kind: .ipvlan(parent: eni.link, parentIndex: eni.index, bornAs: nil), mtu: node.mtu,
          alias: Ownership.alias(ofHelperOn: eni))), shared: true)
    add(.node, .up(link: helper, isARPEnabled: false), shared: true)
    add(.node, .address(node.address, prefixLength: 32, link: helper, isHostScope: true), shared: true)

    add(
      .pod,
      .link(
        PlannedLink(
          name: slave,
          kind: .ipvlan(parent: eni.link, parentIndex: eni.index, bornAs: Ownership.nodeLink(of: pod)),
          mtu: node.mtu, alias: Ownership.alias(of: pod.pod))))
    // Before the link is up, so that nothing passes unseen.
    if let programs = programs(of: pod, on: slave, side: .pod) { add(.pod, programs) }
    add(.pod, .address(pod.address, prefixLength: eni.prefixLength, link: slave, isHostScope: false))
    add(.pod, .up(link: slave, isARPEnabled: nil))
    add(.pod, .neighbour(node.address, mac: eni.mac, link: slave))
    add(.pod, .route(PlannedRoute(destination: .host(node.address), link: slave)))
    add(.pod, .route(PlannedRoute(destination: nil, gateway: eni.gateway, link: slave)))

    add(.node, .route(PlannedRoute(destination: .host(pod.address), link: helper, source: node.address)))
    // Last, when the pod can be reached and nobody else has the address.
    add(.node, localPod(pod, parent: eni.siblings))
    return steps
  }

  static func localPod(_ pod: PodAttachment, parent: UInt32) -> PlannedObject {
    .localPod(
      PlannedLocalPod(address: pod.address, address6: pod.address6, parent: parent, endpoint: pod.endpoint))
  }

  static func programs(of pod: PodAttachment, on link: InterfaceName, side: PlannedPrograms.Side) -> PlannedObject? {
    guard let endpoint = pod.endpoint else { return nil }
    return .programs(
      PlannedPrograms(
        endpoint: endpoint, address: pod.address, address6: pod.address6, requiresPolicy: pod.requiresPolicy,
        isRouter: pod.isRouter, link: link, side: side))
  }
}

extension IPv4CIDR {
  /// A block of one address.
  static func host(_ address: IPv4Address) -> IPv4CIDR? { IPv4CIDR(address: address, prefixLength: 32) }
}
