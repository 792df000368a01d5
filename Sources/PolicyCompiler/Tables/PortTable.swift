// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What a rule set says of a packet.
public enum PolicyVerdict: UInt8, Hashable, Sendable, CaseIterable {
  /// The pod is isolated and nothing allows this.
  case noMatch = 0
  /// It may pass.
  case allow = 1
  /// A rule with the action Deny matches.
  case deny = 2
  /// The admin tier leaves it to the tiers below.
  case pass = 3

  /// Whether the packet may pass.
  public var isAllowed: Bool { self == .allow }
}

/// One verdict for each protocol and port.
public struct PortTable: Hashable, Sendable {
  /// The verdicts of one protocol.
  public struct Ports: Hashable, Sendable {
    /// Sorted and disjoint, and no two neighbours with one verdict; only where it differs from ``rest``.
    public var ranges: [Range]
    /// The verdict of every other port.
    public var rest: PolicyVerdict

    /// Makes the verdicts of a protocol.
    ///
    /// - Parameters:
    ///   - ranges: sorted and disjoint ranges.
    ///   - rest: the verdict of every other port.
    public init(ranges: [Range] = [], rest: PolicyVerdict) {
      self.ranges = ranges
      self.rest = rest
    }

    /// The verdict of a port.
    ///
    /// - Parameter port: the destination port.
    /// - Returns: that of its range, or of the rest.
    public func verdict(_ port: UInt16) -> PolicyVerdict {
      var (low, high) = (0, ranges.count)
      while low < high {
        let middle = (low + high) / 2
        if port < ranges[middle].first {
          high = middle
        } else if port > ranges[middle].last {
          low = middle + 1
        } else {
          return ranges[middle].verdict
        }
      }
      return rest
    }
  }

  /// Ports from a first to a last one, both included.
  public struct Range: Hashable, Sendable {
    /// The first port.
    public var first: UInt16
    /// The last port.
    public var last: UInt16
    /// Their verdict.
    public var verdict: PolicyVerdict

    /// Makes a range.
    ///
    /// - Parameters:
    ///   - first: the first port.
    ///   - last: the last port.
    ///   - verdict: their verdict.
    public init(first: UInt16, last: UInt16, verdict: PolicyVerdict) {
      self.first = first
      self.last = last
      self.verdict = verdict
    }
  }

  /// TCP.
  public var tcp: Ports
  /// UDP.
  public var udp: Ports
  /// SCTP.
  public var sctp: Ports
  /// Every other protocol, and packets whose ports are not known.
  public var other: PolicyVerdict

  /// Makes a table.
  ///
  /// - Parameters:
  ///   - tcp: TCP.
  ///   - udp: UDP.
  ///   - sctp: SCTP.
  ///   - other: every other protocol.
  public init(tcp: Ports, udp: Ports, sctp: Ports, other: PolicyVerdict) {
    self.tcp = tcp
    self.udp = udp
    self.sctp = sctp
    self.other = other
  }

  /// A table with one verdict for everything.
  ///
  /// - Parameter verdict: the verdict.
  public init(everything verdict: PolicyVerdict) {
    let ports = Ports(rest: verdict)
    self.init(tcp: ports, udp: ports, sctp: ports, other: verdict)
  }

  /// The verdict of a packet.
  ///
  /// - Parameters:
  ///   - protocol: its protocol.
  ///   - port: its destination port; ignored for protocols without ports.
  /// - Returns: the verdict.
  public func verdict(_ protocol: IPProtocol, _ port: UInt16) -> PolicyVerdict {
    switch `protocol` {
    case .tcp: tcp.verdict(port)
    case .udp: udp.verdict(port)
    case .sctp: sctp.verdict(port)
    default: other
    }
  }
}
