// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What is to be decided for a whole node, not by single Services.
public struct ServicePlannerOptions: Hashable, Sendable {
  /// At which of the node's addresses node ports are served (kube-proxy: `--nodeport-addresses`).
  public enum NodePortAddresses: Hashable, Sendable {
    /// At all of them.
    case all
    /// At the first of each family that the Node object lists: `InternalIP`, or `ExternalIP` without one.
    case primary
    /// At those in the blocks; at all of a family that no block is of.
    case blocks([IPCIDR])
  }

  /// Who is served at `spec.externalIPs`.
  ///
  /// Whoever may write a Service can put any address there, and draws what pods send to it (CVE-2020-8554).
  public enum ExternalIPs: Hashable, Sendable {
    /// Everyone, as by kube-proxy.
    case served
    /// Clients outside, and the cluster's own where the address is one of this node's.
    case servedOutside
    /// No one; a note says so.
    case ignored
  }

  /// At which of the node's addresses node ports are served.
  public var nodePortAddresses: NodePortAddresses = .all
  /// The addresses of the node's own links; nil: those that the Node object lists count as the node's.
  ///
  /// Addresses that are loopback, multicast or unspecified do not count. At loopback addresses the socket programs serve
  /// node ports to sockets in the node's own network namespace, whatever the options say.
  public var interfaceAddresses: [IPAddress]?
  /// Who is served at external IPs.
  public var externalIPs: ExternalIPs = .served
  /// How a new flow finds its backend where the Service's annotation says nothing.
  public var algorithm: ServiceAlgorithm = .random
  /// Whether backends answer clients outside by themselves where the Service's annotation says nothing.
  public var isDirectReturn = false
  /// Whether `hostPort` of the node's pods is served; false where a CNI plugin (portmap) does it.
  public var servesHostPorts = true

  /// Makes options that serve as kube-proxy does.
  public init() {}
}
