// SPDX-License-Identifier: Apache-2.0

/// The protocols that Services and policies speak of.
///
/// Kubernetes: `Protocol`.
public enum TransportProtocol: String, Hashable, Sendable, Codable, CaseIterable {
  /// TCP, the default wherever a manifest names none.
  case tcp = "TCP"
  /// UDP.
  case udp = "UDP"
  /// SCTP.
  case sctp = "SCTP"
}

extension TransportProtocol: Comparable {
  /// Orders by protocol number: TCP, UDP, SCTP.
  public static func < (left: TransportProtocol, right: TransportProtocol) -> Bool {
    left.number < right.number
  }

  /// The IP protocol number: 6, 17 or 132.
  public var number: UInt8 {
    switch self {
    case .tcp: 6
    case .udp: 17
    case .sctp: 132
    }
  }
}
