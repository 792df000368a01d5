// SPDX-License-Identifier: Apache-2.0

/// The state of a socket, in TCP's terms for every protocol (`TCP_ESTABLISHED`, ...).
///
/// A connected UDP socket is ``established``, another one ``closed``.
public struct SocketState: RawRepresentable, Sendable, Hashable {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a state from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Connected.
  public static let established = SocketState(rawValue: 1)
  /// Has asked for a connection.
  public static let synSent = SocketState(rawValue: 2)
  /// Was asked for a connection and has answered.
  public static let synReceived = SocketState(rawValue: 3)
  /// Has said that it is done; the peer has not confirmed that.
  public static let finWait1 = SocketState(rawValue: 4)
  /// Has said that it is done, and the peer has confirmed that.
  public static let finWait2 = SocketState(rawValue: 5)
  /// Gone, and remembered for a while.
  public static let timeWait = SocketState(rawValue: 6)
  /// Not connected.
  public static let closed = SocketState(rawValue: 7)
  /// The peer is done; this end is not.
  public static let closeWait = SocketState(rawValue: 8)
  /// Both are done; the peer has not confirmed the last word.
  public static let lastAcknowledgement = SocketState(rawValue: 9)
  /// Waits for connections.
  public static let listening = SocketState(rawValue: 10)
  /// Both ends said at the same time that they are done.
  public static let closing = SocketState(rawValue: 11)
  /// Has an address and neither listens nor is connected; listed on its own from Linux 6.8 on.
  public static let bound = SocketState(rawValue: 13)
}

extension SocketState: CustomStringConvertible {
  /// The state in `ss`'s words.
  public var description: String {
    let names = [
      "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK",
      "LISTEN", "CLOSING",
    ]
    let place = Int(rawValue) - 1
    return names.indices.contains(place) ? names[place] : "state \(rawValue)"
  }
}

/// A choice of states, for ``SocketMatch``.
public struct SocketStates: OptionSet, Sendable, Hashable {
  /// A bit for each state: 1 shifted left by the state's number.
  public let rawValue: UInt32

  /// Makes a choice from bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Makes a choice of one state.
  public init(_ state: SocketState) { rawValue = state.rawValue < 32 ? 1 << UInt32(state.rawValue) : 0 }

  /// All states but ``SocketState/bound``, which a kernel lists only when asked for.
  public static let all = SocketStates(rawValue: 0xfff)
  /// Those with a peer: all but closed, listening and bound ones.
  public static let connected = SocketStates(rawValue: 0xfff).subtracting([.listening, .closed])
  /// ``SocketState/established``.
  public static let established = SocketStates(.established)
  /// ``SocketState/listening``.
  public static let listening = SocketStates(.listening)
  /// ``SocketState/closed``.
  public static let closed = SocketStates(.closed)
  /// ``SocketState/timeWait``.
  public static let timeWait = SocketStates(.timeWait)
  /// ``SocketState/bound``.
  public static let bound = SocketStates(.bound)

  /// Whether `state` is one of them.
  public func contains(_ state: SocketState) -> Bool { !isDisjoint(with: SocketStates(state)) }
}
