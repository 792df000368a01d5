// SPDX-License-Identifier: Apache-2.0

/// The protocol of an internet socket, for ``SocketMatch`` (`IPPROTO_...`).
public struct SocketProtocol: RawRepresentable, Sendable, Hashable {
  /// The number given to socket(2), 0...65535; what does not fit eight bits goes into an attribute of its own.
  public let rawValue: UInt16

  /// Makes a protocol from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// TCP.
  public static let tcp = SocketProtocol(rawValue: 6)
  /// UDP.
  public static let udp = SocketProtocol(rawValue: 17)
  /// SCTP; its module may be absent.
  public static let sctp = SocketProtocol(rawValue: 132)
  /// UDP-Lite, which a kernel may lack.
  public static let udpLite = SocketProtocol(rawValue: 136)
  /// Raw sockets of every protocol: ``InternetSocket/rawProtocol`` says which.
  public static let raw = SocketProtocol(rawValue: 255)
  /// Multipath TCP; what it knows of a connection is in ``InternetSocket/otherAttributes`` (`INET_DIAG_INFO`, 2).
  public static let mptcp = SocketProtocol(rawValue: 262)

  /// What goes into the fixed header.
  var low: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
  /// Whether the header is too narrow for it (`INET_DIAG_REQ_PROTOCOL`).
  var needsAttribute: Bool { rawValue > 0xff }
}

extension SocketProtocol: CustomStringConvertible {
  /// `TCP`, `UDP` and so on, or `protocol 47`.
  public var description: String {
    switch self {
    case .tcp: "TCP"
    case .udp: "UDP"
    case .sctp: "SCTP"
    case .udpLite: "UDP-Lite"
    case .raw: "raw"
    case .mptcp: "MPTCP"
    default: "protocol \(rawValue)"
    }
  }
}
