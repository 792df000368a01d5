// SPDX-License-Identifier: Apache-2.0

internal import NetlinkKit

/// How a pod shares an ENI.
public enum WiringMode: String, Hashable, Sendable, Codable, CaseIterable, CustomStringConvertible {
  /// The pod's link is an ipvlan slave of the ENI, mode L2: no hop through the node's stack.
  case ipvlan
  /// The pod's link is one end of a veth pair and the node routes, one table per ENI.
  ///
  /// For kernels without ipvlan, and where programs must stay out of the pod's reach.
  case veth

  /// The mode for the running kernel: ipvlan where it has it, else veth.
  ///
  /// Tried in a namespace that is thrown away.
  ///
  /// Ask once, when an ENI gets its first pod: an ENI's pods all have one mode.
  ///
  /// - Returns: The mode.
  public static func best() async -> WiringMode { await NetlinkFeature.supportsIPVLAN() ? .ipvlan : .veth }

  /// The mode's name.
  public var description: String { rawValue }
}

/// What was wired, for the caller to store when a pod is added and to hand back when it goes.
///
/// Removal uses the mode and names of the addition, whatever the configuration says by then.
public struct WiringRecord: Hashable, Sendable, Codable {
  /// The mode the pod was wired in.
  public let mode: WiringMode
  /// The node as it was.
  public let node: NodeConfiguration
  /// The ENI as it was.
  public let eni: ENIAttachment
  /// The pod.
  public let pod: PodAttachment

  /// Puts a record together.
  public init(mode: WiringMode, node: NodeConfiguration, eni: ENIAttachment, pod: PodAttachment) {
    self.mode = mode
    self.node = node
    self.eni = eni
    self.pod = pod
  }
}
