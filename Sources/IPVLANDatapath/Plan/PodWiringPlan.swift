// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// What has to exist for one pod to be connected, in the order in which it is made.
///
/// A value: nothing is touched.
///
/// The same plan serves all four verbs: applying makes what is missing, verifying compares, removal and rollback undo
/// in reverse. Printed, it reads as the commands an operator would type.
///
/// ```
/// node  ip link set eth1 up
/// node  ip link add ipvl_7 link eth1 mtu 1500 type ipvlan mode l2 bridge; …
/// pod   ip address add 10.8.0.11/24 dev eth0
/// ```
public struct PodWiringPlan: Hashable, Sendable {
  /// Where an object lives.
  public enum Place: String, Hashable, Sendable {
    /// The node's network namespace.
    case node
    /// The pod's network namespace.
    case pod
  }

  /// One object and its place.
  public struct Step: Hashable, Sendable {
    /// Where.
    public var place: Place
    /// What.
    public var object: PlannedObject
    /// Whether other pods on the ENI need it too: it goes with the last of them.
    public var isShared: Bool
  }

  /// The mode planned for.
  public let mode: WiringMode
  /// What has to exist, in order.
  public let steps: [Step]

  /// Plans the wiring of one pod.
  ///
  /// - Parameters:
  ///   - mode: How the pod shares the ENI.
  ///   - node: The node.
  ///   - eni: The ENI.
  ///   - pod: The pod.
  /// - Throws: `invalidArgument` for values that can't be wired, with the value and what it has to be.
  public init(
    mode: WiringMode, node: NodeConfiguration, eni: ENIAttachment, pod: PodAttachment
  ) throws(DatapathError) {
    try Self.validate(node: node, eni: eni, pod: pod)
    self.mode = mode
    switch mode {
    case .ipvlan: steps = Self.ipvlanSteps(node: node, eni: eni, pod: pod)
    case .veth: steps = Self.vethSteps(node: node, eni: eni, pod: pod)
    }
  }

  /// Plans what was wired.
  ///
  /// - Parameter record: From an earlier addition.
  /// - Throws: `invalidArgument` when the record can't be one.
  public init(_ record: WiringRecord) throws(DatapathError) {
    try self.init(mode: record.mode, node: record.node, eni: record.eni, pod: record.pod)
  }

  /// What goes when the pod goes, in order.
  ///
  /// Objects on a link go with the link.
  public var removalSteps: [Step] { removal(shared: false) }

  /// What goes too when no other pod is left on the ENI, in order.
  public var lastPodRemovalSteps: [Step] { removal(shared: true) }

  private func removal(shared: Bool) -> [Step] {
    let own = steps.filter { $0.isShared == shared }
    let links = Set(own.compactMap(\.ownLink))
    // Programs first, then what steers traffic to the pod, then links; the rest goes with them.
    let rank: (Step) -> Int? = { step in
      switch step.object {
      case .programs, .localPod: 0
      case .rule, .route: step.place == .node ? 1 : nil
      case .link: 2
      case .address(_, _, let link, _): links.contains(link) || step.place == .pod ? nil : 3
      case .peer, .up, .sysctl, .neighbour: nil
      }
    }
    return (0...3).flatMap { wanted in own.reversed().filter { rank($0) == wanted } }
  }

  private static func validate(
    node: NodeConfiguration, eni: ENIAttachment, pod: PodAttachment
  ) throws(DatapathError) {
    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(DatapathError) {
      if !condition { throw DatapathError(code: .invalidArgument, message: message(), pod: pod.pod) }
    }
    try require((68...65535).contains(node.mtu), "MTU \(node.mtu): use 68...65535 bytes")
    try require((1...32).contains(eni.prefixLength), "vSwitch prefix length \(eni.prefixLength): use 1...32")
    try require(eni.number < 1000, "ENI number \(eni.number): use 0...999, one per ENI of the node")
    try require(
      pod.endpoint.map { (1...4095).contains($0) } ?? true, "endpoint \(pod.endpoint ?? 0): use 1...4095")
    for (role, address) in [("node", node.address), ("ENI", eni.address), ("gateway", eni.gateway)] {
      try require(
        pod.address != address, "pod address \(pod.address) is the \(role) address; assign another to the ENI")
    }
    try require(
      pod.address.rawValue >> 24 != 0 && pod.address.rawValue >> 24 != 127 && pod.address.rawValue >> 28 < 14,
      "pod address \(pod.address): use a unicast address of the vSwitch")
    try require(
      pod.address6?.isGlobalUnicast ?? true,
      "pod address \(pod.address6 ?? IPv6Address(high: 0, low: 0)): use a global or unique local unicast address")
    try require(pod.interface.rawValue != "lo", "\"lo\" is the pod's loopback; use another name, such as eth0")
  }
}

extension PodWiringPlan.Step: CustomStringConvertible {
  /// The place and the command.
  public var description: String { "\(place == .node ? "node" : "pod ")  \(object)" }

  /// The place and the command that undoes it.
  public var removalDescription: String {
    "\(place == .node ? "node" : "pod ")  \(object.removal ?? "leave: \(object)")"
  }

  /// The name of the link this step makes in its own place.
  var ownLink: InterfaceName? {
    if case .link(let link) = object { link.name } else { nil }
  }
}

extension PodWiringPlan: CustomStringConvertible {
  /// One step a line.
  public var description: String { steps.map(\.description).joined(separator: "\n") }

  /// One removal a line; what goes with the last pod only is marked `last`.
  public var removalDescription: String {
    (removalSteps.map(\.removalDescription) + lastPodRemovalSteps.map { "last: \($0.removalDescription)" })
      .joined(separator: "\n")
  }
}

extension IPv6Address {
  /// Whether the address may be a pod's own on more than its link, and is no IPv4 address in disguise.
  fileprivate var isGlobalUnicast: Bool {
    let isMapped = high == 0 && low >> 32 == 0xffff
    let isUnspecifiedOrLoopback = high == 0 && low <= 1
    return !isMapped && !isUnspecifiedOrLoopback && high >> 56 != 0xff && high >> 54 != 0xfe80 >> 6
  }
}
