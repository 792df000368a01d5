// SPDX-License-Identifier: Apache-2.0

/// What passed a queueing discipline, a class or an action since it was made (`TCA_STATS2`, `TCA_ACT_STATS`).
public struct TrafficStatistics: Sendable, Hashable {
  /// How much went through.
  public struct Traffic: Sendable, Hashable {
    /// Bytes.
    public var bytes: UInt64
    /// Packets; a packet of several segments counts as several.
    public var packets: UInt64

    /// Describes traffic.
    public init(bytes: UInt64 = 0, packets: UInt64 = 0) {
      self.bytes = bytes
      self.packets = packets
    }
  }

  /// How the queue is doing (`struct gnet_stats_queue`).
  public struct Queue: Sendable, Hashable {
    /// Packets that wait now.
    public var length: UInt32 = 0
    /// Bytes that wait now.
    public var backlog: UInt32 = 0
    /// Packets that were dropped.
    public var dropped: UInt32 = 0
    /// Packets that the device did not take at once.
    public var requeues: UInt32 = 0
    /// How often a packet had to wait because of a limit.
    public var overlimits: UInt32 = 0
  }

  /// The estimate of a rate estimator (`struct gnet_stats_rate_est64`).
  public struct RateEstimate: Sendable, Hashable {
    /// Bytes per second.
    public var bytesPerSecond: UInt64
    /// Packets per second.
    public var packetsPerSecond: UInt64
  }

  /// What went through, in software and hardware.
  public var traffic = Traffic()
  /// What of it went through in hardware; nil where the kernel does not say.
  public var hardwareTraffic: Traffic?
  /// How the queue is doing; nil where there is none.
  public var queue: Queue?
  /// The rate now; nil when no estimator was asked for.
  public var rateEstimate: RateEstimate?
  /// What the kind counts besides (`TCA_STATS_APP`, a struct of its own), and all that is not known here.
  public var otherAttributes = RawAttributes()

  /// Which of the attributes that say something twice were there.
  var form = Form()

  struct Form: OptionSet, Sendable, Hashable {
    let rawValue: UInt8
    /// `TCA_STATS_PKT64`: the 64 bits of a number of packets that fills 32.
    static let widePackets = Form(rawValue: 1 << 0)
    /// `TCA_STATS_RATE_EST64` as well as `TCA_STATS_RATE_EST`.
    static let wideEstimate = Form(rawValue: 1 << 1)
    /// `TCA_STATS`, which says in an older struct what `TCA_STATS2` says.
    static let legacy = Form(rawValue: 1 << 2)
    /// `TCA_XSTATS`, which says again what `TCA_STATS_APP` says.
    static let legacyApplication = Form(rawValue: 1 << 3)
  }
}

extension TrafficStatistics {
  /// What the kind counts besides, as the kernel's struct (`TCA_STATS_APP`); nil when it counts nothing.
  public var application: [UInt8]? { otherAttributes[TrafficStatistics.applicationType].first }

  /// What an `htb` class counts besides (`struct tc_htb_xstats`).
  public struct HTB: Sendable, Hashable {
    /// Packets sent within the class's own rate.
    public var lends: UInt32
    /// Packets sent with what the parent had to spare.
    public var borrows: UInt32
    /// Nothing any more.
    public var giants: UInt32
    /// What of the burst is left, in ticks of 64 ns; negative when it is overdrawn.
    public var tokens: Int32
    /// What of the burst at the ceiling is left, in ticks of 64 ns; negative when it is overdrawn.
    public var ceilingTokens: Int32
  }

  /// The counters of an `htb` class; nil when ``application`` is not as long.
  ///
  /// Ask only for those of a class of that kind: the bytes do not say what they are.
  public var htb: HTB? {
    guard let bytes = application, bytes.count == 20 else { return nil }
    func word(_ place: Int) -> UInt32 {
      bytes[place * 4..<place * 4 + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }.littleEndian
    }
    return HTB(
      lends: word(0), borrows: word(1), giants: word(2), tokens: Int32(bitPattern: word(3)),
      ceilingTokens: Int32(bitPattern: word(4)))
  }
}
