// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension NodeDatapath {
  /// Where connections to other nodes come from.
  public struct Masquerade: Hashable, Sendable {
    /// The node's address for backends on other nodes; nil: flows to them are dropped.
    public var ipv4: IPv4Address?
    /// The same for IPv6.
    public var ipv6: IPv6Address?
    /// The ports that clients get, which must not be those of the node's own sockets (`ip_local_port_range`).
    ///
    /// So many clients at a time reach one endpoint through this node.
    public var ports: ClosedRange<UInt16>

    /// Chooses addresses and ports.
    public init(ipv4: IPv4Address? = nil, ipv6: IPv6Address? = nil, ports: ClosedRange<UInt16> = 61_000...65_535) {
      self.ipv4 = ipv4
      self.ipv6 = ipv6
      self.ports = ports
    }
  }

  /// How clients reach backends on other nodes.
  ///
  /// The article "Direct server return" compares the two.
  public enum Forwarding: Hashable, Sendable {
    /// This node is the client, as kube-proxy has it: works on every fabric.
    case snat
    /// Services that ask for it (`SERVICE_DSR`) are answered by the backend's node, with their own address; others as by
    /// ``snat``.
    ///
    /// A client's packets go on unchanged, each in a UDP packet to the port at the backend's address. So the fabric has
    /// to let nodes send with services' addresses, and pass UDP between nodes and pods at that port. Every node has to
    /// have the same option, and know the others: ``NodeDatapath/setPeers(_:)``.
    case dsr(port: UInt16 = 6081)

    /// 0: none.
    var port: UInt16 {
      switch self {
      case .snat: 0
      case .dsr(let port): port
      }
    }
  }

  /// What becomes of packets from outside to addresses that only services have (``NodeDatapath/setServiceAddresses(_:)``),
  /// and that no service is asked with.
  ///
  /// Without any of it they pass, as with kube-proxy's iptables mode: to whatever the node's routes say.
  public struct Unserved: Hashable, Sendable {
    /// Whether packets to another port than a service's are dropped (``DropReason/noService``), and the client told.
    public var refusesUnknownPorts: Bool
    /// Whether echo requests are answered, in the service's name: that some node has the address, not that a backend
    /// lives.
    public var answersEcho: Bool

    /// Chooses.
    public init(refusesUnknownPorts: Bool = false, answersEcho: Bool = false) {
      self.refusesUnknownPorts = refusesUnknownPorts
      self.answersEcho = answersEcho
    }
  }
}
