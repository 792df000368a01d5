// SPDX-License-Identifier: Apache-2.0

/// A socket of the local family (`AF_UNIX`) as the kernel describes it.
public struct UnixSocket: Sendable, Hashable {
  /// What kind of messages it carries.
  public struct Kind: RawRepresentable, Sendable, Hashable {
    /// The kernel's number.
    public let rawValue: UInt8

    /// Makes a kind from the kernel's number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A stream of bytes (`SOCK_STREAM`).
    public static let stream = Kind(rawValue: 1)
    /// Messages (`SOCK_DGRAM`).
    public static let datagram = Kind(rawValue: 2)
    /// Messages in a connection (`SOCK_SEQPACKET`).
    public static let sequencedPacket = Kind(rawValue: 5)
  }

  /// What kind of messages it carries.
  public var kind: Kind
  /// Established, listening or closed.
  public var state: SocketState
  /// Its inode number, as in `/proc/PID/fd`.
  public var inode: UInt32
  /// A number that no other socket of this machine has or will have.
  public var cookie: UInt64
  /// Its name: a path or, in the abstract name space, text behind a zero byte; nil when it has none.
  public var name: String?
  /// The inode number of its peer, 0 while that has not accepted; nil when it has none.
  public var peer: UInt32?
  /// The inode numbers of the sockets that wait to be accepted.
  public var pendingConnections: [UInt32] = []
  /// Bytes that were received and not read; of a listener, connections that wait to be accepted.
  public var receiveQueue: UInt32?
  /// Bytes that were sent and not read; of a listener, how many connections may wait.
  public var sendQueue: UInt32?
  /// The user who made it; nil before Linux 5.3.
  public var userID: UInt32?
  /// Its buffers.
  public var memory: SocketMemory?
  /// Which directions were shut down.
  public var shutdown: ShutdownDirections?
  /// What the kernel sent besides (`UNIX_DIAG_...`).
  public var otherAttributes = RawAttributes()
}

extension SocketDiagnostics {
  /// The sockets of the local family that were made in the namespace.
  ///
  /// - Parameter states: only those in one of these states.
  /// - Returns: The sockets, in the kernel's order.
  /// - Throws: ``NetlinkError`` with code `notSupported` when the kernel lacks the module `unix_diag`.
  public func unixSockets(states: SocketStates = .all) async throws(NetlinkError) -> [UnixSocket] {
    try await socket.dump(ListUnixSockets(states: states))
  }
}
