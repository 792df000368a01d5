// SPDX-License-Identifier: Apache-2.0

/// What to be told of sockets beyond what is always said.
public struct SocketDetails: OptionSet, Sendable, Hashable {
  /// The kernel's bits (`idiag_ext`).
  public let rawValue: UInt8

  /// Makes a set from the kernel's bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// ``InternetSocket/tcp``; what other protocols send is in ``InternetSocket/otherAttributes`` (`INET_DIAG_INFO`, 2).
  public static let tcp = SocketDetails(rawValue: 1 << 1)
  /// The numbers of some congestion controls, in ``InternetSocket/otherAttributes`` (`INET_DIAG_VEGASINFO`, ...).
  public static let congestionNumbers = SocketDetails(rawValue: 1 << 2)
  /// ``InternetSocket/congestionControl`` (`INET_DIAG_CONG`).
  public static let congestionControl = SocketDetails(rawValue: 1 << 3)
  /// ``InternetSocket/typeOfService``, ``InternetSocket/trafficClass`` and ``InternetSocket/classID``
  /// (`INET_DIAG_TOS`, `INET_DIAG_TCLASS`).
  public static let classification = SocketDetails(rawValue: 1 << 4 | 1 << 5)
  /// ``InternetSocket/memory`` (`INET_DIAG_SKMEMINFO`).
  public static let memory = SocketDetails(rawValue: 1 << 6)
  /// The shorter account of buffers (`INET_DIAG_MEMINFO`, 1), in ``InternetSocket/otherAttributes``.
  public static let shortMemory = SocketDetails(rawValue: 1 << 0)
  /// Everything.
  public static let all = SocketDetails(rawValue: 0x7f)
}
