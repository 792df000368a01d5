// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What the kernel's protocols do differently for packets on a route (`RTA_METRICS`, `RTAX_...`).
///
/// A metric that is nil is left to the kernel. Numbers of newer kernels are kept, and sent as they are.
public struct RouteMetrics: Sendable, Hashable {
  /// The numbers by their kernel's number, 0...31; empty when there is none.
  private var numbers: [UInt32] = []
  /// Which of them are set, a bit for each.
  private var present: UInt32 = 0
  /// The congestion control algorithm for TCP, such as `bbr`, up to 15 bytes (`RTAX_CC_ALGO`).
  public var congestionControl: String?

  /// No metric is set.
  public init() {}

  /// Whether no metric is set.
  public var isEmpty: Bool { present == 0 && congestionControl == nil }

  private subscript(_ number: Int) -> UInt32? {
    get { present & 1 << UInt32(number) == 0 ? nil : numbers[number] }
    set {
      let bit: UInt32 = 1 << UInt32(number)
      if let newValue {
        if numbers.isEmpty { numbers = Array(repeating: 0, count: 32) }
        numbers[number] = newValue
        present |= bit
      } else if present & bit != 0 {
        numbers[number] = 0
        present &= ~bit
        if present == 0 { numbers = [] }
      }
    }
  }

  /// The largest packet, in bytes (`RTAX_MTU`).
  public var mtu: UInt32? {
    get { self[2] }
    set { self[2] = newValue }
  }
  /// The largest TCP window to advertise, in bytes (`RTAX_WINDOW`).
  public var window: UInt32? {
    get { self[3] }
    set { self[3] = newValue }
  }
  /// The first guess of the round-trip time, in eighths of a millisecond (`RTAX_RTT`).
  public var roundTripTime: UInt32? {
    get { self[4] }
    set { self[4] = newValue }
  }
  /// The first guess of its variance, in quarters of a millisecond (`RTAX_RTTVAR`).
  public var roundTripTimeVariance: UInt32? {
    get { self[5] }
    set { self[5] = newValue }
  }
  /// The first slow start threshold, in segments (`RTAX_SSTHRESH`).
  public var slowStartThreshold: UInt32? {
    get { self[6] }
    set { self[6] = newValue }
  }
  /// The limit of the congestion window, in segments; it counts only when locked (`RTAX_CWND`).
  public var congestionWindowLimit: UInt32? {
    get { self[7] }
    set { self[7] = newValue }
  }
  /// The TCP segment size to advertise, in bytes (`RTAX_ADVMSS`).
  public var advertisedSegmentSize: UInt32? {
    get { self[8] }
    set { self[8] = newValue }
  }
  /// How many segments may come out of order before loss is assumed (`RTAX_REORDERING`).
  public var reordering: UInt32? {
    get { self[9] }
    set { self[9] = newValue }
  }
  /// How many hops packets may take, 0...255; 0 for the kernel's default (`RTAX_HOPLIMIT`).
  public var hopLimit: UInt32? {
    get { self[10] }
    set { self[10] = newValue }
  }
  /// The first congestion window, in segments (`RTAX_INITCWND`).
  public var initialCongestionWindow: UInt32? {
    get { self[11] }
    set { self[11] = newValue }
  }
  /// What may be used (`RTAX_FEATURES`).
  ///
  /// The kernel forgets an empty set.
  public var features: Features? {
    get { self[12].map(Features.init) }
    set { self[12] = newValue?.rawValue }
  }
  /// The shortest time before a segment is sent again, in milliseconds; it counts only when locked (`RTAX_RTO_MIN`).
  public var minimumRetransmissionTimeout: UInt32? {
    get { self[13] }
    set { self[13] = newValue }
  }
  /// The first receive window to advertise, in segments (`RTAX_INITRWND`).
  public var initialReceiveWindow: UInt32? {
    get { self[14] }
    set { self[14] = newValue }
  }
  /// Whether TCP acknowledges at once, 0 or 1 (`RTAX_QUICKACK`).
  public var quickAcknowledgement: UInt32? {
    get { self[15] }
    set { self[15] = newValue }
  }
  /// Whether TCP Fast Open goes without a cookie, 0 or 1 (`RTAX_FASTOPEN_NO_COOKIE`).
  public var fastOpenWithoutCookie: UInt32? {
    get { self[17] }
    set { self[17] = newValue }
  }
  /// Which metrics the kernel must not change by what it learns (`RTAX_LOCK`); empty for none.
  public var locked: Locks {
    get { Locks(rawValue: self[1] ?? 0) }
    set { self[1] = newValue.isEmpty ? nil : newValue.rawValue }
  }

  /// What may be used on a route (`RTAX_FEATURE_...`).
  public struct Features: OptionSet, Sendable, Hashable {
    /// The features as the kernel numbers them.
    public let rawValue: UInt32

    /// Makes a set from the kernel's number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Explicit congestion notification.
    public static let ecn = Features(rawValue: 1)
    /// TCP's timestamps in microseconds (`RTAX_FEATURE_TCP_USEC_TS`; Linux 6.7).
    public static let microsecondTimestamps = Features(rawValue: 1 << 4)
  }

  /// Which metrics are locked: a bit for each, at the place of its kernel's number.
  public struct Locks: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt32

    /// Makes a set from its bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// ``RouteMetrics/mtu``: no path MTU discovery.
    public static let mtu = Locks(rawValue: 1 << 2)
    /// ``RouteMetrics/roundTripTime``.
    public static let roundTripTime = Locks(rawValue: 1 << 4)
    /// ``RouteMetrics/roundTripTimeVariance``.
    public static let roundTripTimeVariance = Locks(rawValue: 1 << 5)
    /// ``RouteMetrics/slowStartThreshold``.
    public static let slowStartThreshold = Locks(rawValue: 1 << 6)
    /// ``RouteMetrics/congestionWindowLimit``.
    public static let congestionWindowLimit = Locks(rawValue: 1 << 7)
    /// ``RouteMetrics/reordering``.
    public static let reordering = Locks(rawValue: 1 << 9)
    /// ``RouteMetrics/minimumRetransmissionTimeout``.
    public static let minimumRetransmissionTimeout = Locks(rawValue: 1 << 13)
  }
}

extension RouteMetrics {
  private static let algorithm = Int(RTAX_CC_ALGO)

  /// Reads `RTA_METRICS`; false when there is something in it that this type cannot hold.
  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    var cursor = AttributeCursor(attribute.payload)
    while let metric = try cursor.next(in: datagram) {
      switch metric.kind {
      case RouteMetrics.algorithm: congestionControl = try datagram.string(metric)
      case 1..<32 where metric.payload.count == 4: self[metric.kind] = try datagram.value(metric)
      default: return false
      }
    }
    return true
  }

  /// Writes the metrics; the kernel ends the name with a zero byte, `ip` does not.
  func encode(into writer: MessageWriter, endsNames: Bool) {
    guard !isEmpty else { return }
    writer.nested(Int(RTA_METRICS.rawValue)) { writer in
      for number in 1..<32 { if let value = self[number] { writer.put(number, value) } }
      if let congestionControl {
        writer.put(RouteMetrics.algorithm, bytes: Array(congestionControl.utf8) + (endsNames ? [0] : []))
      }
    }
  }
}
