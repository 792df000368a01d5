// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An address and a port: one end of a socket.
public struct SocketEndpoint: Sendable, Hashable {
  /// The address; all zeros for any.
  public var address: IPAddress
  /// The port; 0 for none.
  public var port: UInt16

  /// Describes an end.
  public init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }
}

extension SocketEndpoint: CustomStringConvertible {
  /// `10.0.0.1:80` or `[fd00::1]:80`.
  public var description: String {
    if case .v6 = address { return "[\(address)]:\(port)" }
    return "\(address):\(port)"
  }
}

/// An internet socket as the kernel describes it.
///
/// What is optional may be absent: some of it must be asked for (``SocketDetails``), some needs `CAP_NET_ADMIN`, and a
/// connection in `TIME_WAIT` has little left to say.
public struct InternetSocket: Sendable, Hashable {
  /// TCP, UDP, ...
  public var `protocol`: SocketProtocol
  /// The family it was made for; an IPv6 socket can speak IPv4, with addresses such as `::ffff:10.0.0.1`.
  public var family: AddressFamily
  /// How far its connection is.
  public var state: SocketState
  /// Its own end.
  public var source: SocketEndpoint
  /// Its peer's end; all zeros when it is not connected.
  public var destination: SocketEndpoint
  /// The link it is bound to (`SO_BINDTODEVICE`); nil for none.
  public var boundInterface: InterfaceIndex?
  /// A number that no other socket of this machine has or will have.
  public var cookie: UInt64
  /// What it waits for next, and until when.
  public var timer: SocketTimer
  /// Bytes that were received and not read; of a listener, connections that wait to be accepted.
  public var receiveQueue: UInt32
  /// Bytes that were written and not acknowledged; of a listener, how many connections may wait.
  public var sendQueue: UInt32
  /// The user who made it.
  public var userID: UInt32
  /// Its inode number, as in `/proc/PID/fd`; 0 when no process holds it any more.
  public var inode: UInt32
  /// Which directions were shut down.
  public var shutdown: ShutdownDirections?
  /// The type of service of its IPv4 packets (`IP_TOS`); asked for with ``SocketDetails/classification``.
  public var typeOfService: UInt8?
  /// The traffic class of its IPv6 packets (`IPV6_TCLASS`); asked for with ``SocketDetails/classification``.
  public var trafficClass: UInt8?
  /// The class of its packets (net_cls cgroup, or else `SO_PRIORITY`); asked for with ``SocketDetails/classification``.
  public var classID: UInt32?
  /// Whether an IPv6 socket speaks no IPv4 (`IPV6_V6ONLY`); the kernel says it of closed and listening ones.
  public var isIPv6Only: Bool?
  /// The mark of its packets (`SO_MARK`); nil without `CAP_NET_ADMIN`.
  public var mark: UInt32?
  /// The id of its cgroup (v2), the inode number of the cgroup's folder.
  public var cgroupID: UInt64?
  /// The protocol of a raw socket.
  public var rawProtocol: UInt8?
  /// The name of its congestion control; asked for with ``SocketDetails/congestionControl``.
  public var congestionControl: String?
  /// Its buffers; asked for with ``SocketDetails/memory``.
  public var memory: SocketMemory?
  /// What TCP knows of the connection; asked for with ``SocketDetails/tcp``.
  public var tcp: TCPInformation?
  /// Options that are switched on; nil before Linux 5.15.
  public var options: SocketOptions?
  /// What the kernel sent besides (`INET_DIAG_...`).
  public var otherAttributes = RawAttributes()
}

extension InternetSocket: CustomStringConvertible {
  /// `UDP socket 10.0.0.1:4000 to 10.0.0.2:53`.
  public var description: String { "\(`protocol`) socket \(source) to \(destination)" }
}

/// What a socket waits for.
public struct SocketTimer: Sendable, Hashable {
  /// What a timer is for.
  public struct Kind: RawRepresentable, Sendable, Hashable {
    /// The kernel's number.
    public let rawValue: UInt8

    /// Makes a kind from the kernel's number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No timer runs.
    public static let off = Kind(rawValue: 0)
    /// To send again what was not acknowledged.
    public static let retransmission = Kind(rawValue: 1)
    /// To ask whether the peer is there still.
    public static let keepAlive = Kind(rawValue: 2)
    /// To be forgotten.
    public static let timeWait = Kind(rawValue: 3)
    /// To ask whether the peer has room again.
    public static let zeroWindowProbe = Kind(rawValue: 4)
  }

  /// What it is for.
  public var kind: Kind
  /// When it ends, in milliseconds from now.
  public var milliseconds: UInt32
  /// How often it ended without an answer.
  public var retransmissions: UInt8
}

/// Directions of a socket that were shut down (`RCV_SHUTDOWN`, `SEND_SHUTDOWN`).
public struct ShutdownDirections: OptionSet, Sendable, Hashable {
  /// The kernel's bits.
  public let rawValue: UInt8

  /// Makes a set from the kernel's bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Nothing more is received.
  public static let receiving = ShutdownDirections(rawValue: 1)
  /// Nothing more is sent.
  public static let sending = ShutdownDirections(rawValue: 2)
}

/// Options of a socket that are switched on (`INET_DIAG_SOCKOPT`).
public struct SocketOptions: OptionSet, Sendable, Hashable {
  /// The kernel's bits: the first byte low, the second high.
  public let rawValue: UInt16

  /// Makes a set from the kernel's bits.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Errors are queued (`IP_RECVERR`).
  public static let receivesErrors = SocketOptions(rawValue: 1 << 0)
  /// Is made for connections.
  public static let isConnectionOriented = SocketOptions(rawValue: 1 << 1)
  /// May be bound to any address (`IP_FREEBIND`).
  public static let freeBind = SocketOptions(rawValue: 1 << 2)
  /// Whoever sends writes the IP header (`IP_HDRINCL`).
  public static let includesHeader = SocketOptions(rawValue: 1 << 3)
  /// Gets its own multicast packets back (`IP_MULTICAST_LOOP`).
  public static let multicastLoop = SocketOptions(rawValue: 1 << 4)
  /// May use addresses of others (`IP_TRANSPARENT`).
  public static let transparent = SocketOptions(rawValue: 1 << 5)
  /// Gets the packets of groups that others joined (`IP_MULTICAST_ALL`).
  public static let multicastAll = SocketOptions(rawValue: 1 << 6)
  /// Does not put fragments together (`IP_NODEFRAG`).
  public static let noDefragmentation = SocketOptions(rawValue: 1 << 7)
  /// Gets its port only when it connects (`IP_BIND_ADDRESS_NO_PORT`).
  public static let bindAddressNoPort = SocketOptions(rawValue: 1 << 8)
  /// Errors come with extensions (`IP_RECVERR_RFC4884`).
  public static let receivesExtendedErrors = SocketOptions(rawValue: 1 << 9)
  /// Connects only with the first byte (`TCP_FASTOPEN_CONNECT`).
  public static let deferConnect = SocketOptions(rawValue: 1 << 10)
}
