// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An address that a service answers at: what is asked for.
public struct ServiceFrontend: Hashable, Sendable {
  /// Where the address comes from, which decides who may ask and which endpoints answer.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// `spec.clusterIPs`: clients in the cluster.
    case clusterIP
    /// `spec.ports[].nodePort`, at every address of ``ServiceTable/nodeAddresses``; ``ServiceFrontend/address`` is the
    /// unspecified one of its family.
    case nodePort
    /// `spec.externalIPs`.
    case externalIP
    /// `status.loadBalancer.ingress[].ip`, unless its `ipMode` is `Proxy`.
    case loadBalancer
    /// `hostPort` of a container, at an address of this node.
    case hostPort
  }

  /// Where the address comes from.
  public var kind: Kind
  /// The address that clients connect to.
  public var address: IPAddress
  /// The port that clients connect to.
  public var port: Port
  /// TCP, UDP or SCTP.
  public var `protocol`: IPProtocol
  /// Whether clients in the cluster are served here too; else their sockets and packets are left alone.
  ///
  /// False for external IPs where ``ServicePlannerOptions/externalIPs`` says so (`FRONTEND_NOT_INTERNAL`).
  public var servesCluster: Bool

  /// Makes a frontend from its parts.
  public init(
    _ kind: Kind = .clusterIP, address: IPAddress, port: Port, protocol: IPProtocol, servesCluster: Bool = true
  ) {
    self.kind = kind
    self.address = address
    self.port = port
    self.protocol = `protocol`
    self.servesCluster = servesCluster
  }

  /// What no two frontends may share: address, port and protocol.
  public struct Key: Hashable, Sendable {
    /// The address.
    public var address: IPAddress
    /// The port.
    public var port: Port
    /// The protocol.
    public var `protocol`: IPProtocol

    /// Makes a key from its parts.
    public init(address: IPAddress, port: Port, protocol: IPProtocol) {
      self.address = address
      self.port = port
      self.protocol = `protocol`
    }
  }

  /// Address, port and protocol.
  public var key: Key { Key(address: address, port: port, protocol: `protocol`) }
}

extension ServiceFrontend.Key: Comparable, CustomStringConvertible {
  /// Orders by address, then port, then protocol.
  public static func < (left: Self, right: Self) -> Bool {
    (left.address, left.port, left.protocol) < (right.address, right.port, right.protocol)
  }

  /// `10.96.0.10:443/TCP`, `[fd00::10]:443/TCP`.
  public var description: String {
    switch address {
    case .v4: "\(address):\(port)/\(`protocol`)"
    case .v6: "[\(address)]:\(port)/\(`protocol`)"
    }
  }
}

extension ServiceFrontend: Comparable, CustomStringConvertible {
  /// Orders by ``key``.
  public static func < (left: Self, right: Self) -> Bool { left.key < right.key }

  /// `10.96.0.10:443/TCP`; other kinds than cluster IPs say so: `10.96.0.10:443/TCP externalIP`.
  public var description: String {
    "\(key)\(kind == .clusterIP ? "" : " \(kind.rawValue)")\(servesCluster ? "" : " for clients outside only")"
  }
}
