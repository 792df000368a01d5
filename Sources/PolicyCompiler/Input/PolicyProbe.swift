// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

/// A direction, as seen from the pod that a policy is for.
public enum PolicyDirection: UInt8, Hashable, Sendable, CaseIterable, Comparable, CustomStringConvertible {
  /// To the pod.
  case ingress
  /// From the pod.
  case egress

  /// Orders ingress before egress.
  public static func < (left: PolicyDirection, right: PolicyDirection) -> Bool { left.rawValue < right.rawValue }

  /// `ingress` or `egress`.
  public var description: String { self == .ingress ? "ingress" : "egress" }
}

/// One side of a connection.
public enum PolicyEnd: Hashable, Sendable {
  /// A pod by its name; one on the host network is the same as its address.
  case pod(NamespacedName)
  /// An address; one that belongs to a pod of its own network means that pod.
  case address(IPAddress)
}

/// One new connection, after translation of Services: whether it may be is the question.
public struct PolicyProbe: Hashable, Sendable {
  /// Who connects.
  public var source: PolicyEnd
  /// Where to.
  public var destination: PolicyEnd
  /// The protocol.
  public var `protocol`: IPProtocol
  /// The destination port; 0 for protocols without ports.
  public var port: UInt16

  /// Makes a probe.
  ///
  /// - Parameters:
  ///   - source: who connects.
  ///   - destination: where to.
  ///   - protocol: the protocol.
  ///   - port: the destination port; 0 for protocols without ports.
  public init(from source: PolicyEnd, to destination: PolicyEnd, protocol: IPProtocol, port: UInt16) {
    self.source = source
    self.destination = destination
    self.protocol = `protocol`
    self.port = port
  }
}

/// The answer to a probe.
///
/// Each side decides for itself; both must agree.
public struct PolicyAnswer: Hashable, Sendable {
  /// Whether the policies for the source let the connection out.
  public var egress: Bool
  /// Whether the policies for the destination let it in.
  public var ingress: Bool

  /// Makes an answer.
  ///
  /// - Parameters:
  ///   - egress: what the source's policies say.
  ///   - ingress: what the destination's policies say.
  public init(egress: Bool, ingress: Bool) {
    self.egress = egress
    self.ingress = ingress
  }

  /// Whether the connection may be.
  public var isAllowed: Bool { egress && ingress }
}
