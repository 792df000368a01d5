// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension QdiscSettings {
  /// Settings of `fq` (`TCA_FQ_...`).
  ///
  /// - Requires: Linux 3.12; each setting says when it needs more.
  public struct FQ: Sendable, Hashable {
    /// How many packets wait at most (`limit`).
    public var limit: UInt32?
    /// How many packets of one flow wait at most (`flow_limit`).
    public var flowLimit: UInt32?
    /// How many bytes a flow may send in its turn.
    public var quantum: UInt32?
    /// How many bytes a new flow may send in its first turn.
    public var initialQuantum: UInt32?
    /// Whether flows are paced.
    public var isPacing: Bool?
    /// The most that one flow may send.
    ///
    /// The kernel has 32 bits for it: 2³²−1 bytes per second, the most that fits, is what it says of no limit.
    public var maximumRate: TrafficRate?
    /// The logarithm of the number of buckets of the flow table, 1...18 (`buckets`).
    public var bucketsLogarithm: UInt32?
    /// How long a flow may be idle before its credit is filled up, in microseconds on the wire (`refill_delay`).
    public var refillDelay: Duration?
    /// Which bits of a hash tell packets without a socket apart (`orphan_mask`).
    public var orphanMask: UInt32?
    /// Flows below this rate have each packet delayed by itself (`low_rate_threshold`).
    public var lowRateThreshold: TrafficRate?
    /// Packets that waited longer are marked (`ce_threshold`), in microseconds on the wire.
    public var markThreshold: Duration?
    /// How exact the timer is, in nanoseconds on the wire (`timer_slack`).
    ///
    /// - Requires: Linux 5.1.
    public var timerSlack: Duration?
    /// Packets that are to be sent later than this are dropped, or sent then; in microseconds on the wire.
    ///
    /// - Requires: Linux 5.8.
    public var horizon: Duration?
    /// Whether packets beyond the horizon are dropped, and not sent at it (`horizon_drop`, `horizon_cap`).
    ///
    /// - Requires: Linux 5.8.
    public var dropsBeyondHorizon: Bool?

    /// Leaves all to the kernel; set what you want otherwise.
    public init() {}
  }
}

extension QdiscSettings.FQ {
  init(_ options: Attribute?, in datagram: RawSpan, rest: inout RawAttributes) throws(WireError) {
    guard let options else { return }
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_FQ_PLIMIT): limit = try datagram.value(attribute)
      case Int(TCA_FQ_FLOW_PLIMIT): flowLimit = try datagram.value(attribute)
      case Int(TCA_FQ_QUANTUM): quantum = try datagram.value(attribute)
      case Int(TCA_FQ_INITIAL_QUANTUM): initialQuantum = try datagram.value(attribute)
      case Int(TCA_FQ_RATE_ENABLE): isPacing = try datagram.flag32(attribute, rest: &rest)
      case Int(TCA_FQ_FLOW_MAX_RATE):
        maximumRate = TrafficRate(bytesPerSecond: UInt64(try datagram.value(attribute, as: UInt32.self)))
      case Int(TCA_FQ_BUCKETS_LOG): bucketsLogarithm = try datagram.value(attribute)
      case Int(TCA_FQ_FLOW_REFILL_DELAY): refillDelay = try datagram.microseconds(attribute)
      case Int(TCA_FQ_ORPHAN_MASK): orphanMask = try datagram.value(attribute)
      case Int(TCA_FQ_LOW_RATE_THRESHOLD):
        lowRateThreshold = TrafficRate(bytesPerSecond: UInt64(try datagram.value(attribute, as: UInt32.self)))
      case Int(TCA_FQ_CE_THRESHOLD): markThreshold = try datagram.microseconds(attribute)
      case Int(TCA_FQ_TIMER_SLACK): timerSlack = .nanoseconds(try datagram.value(attribute, as: UInt32.self))
      case Int(TCA_FQ_HORIZON): horizon = try datagram.microseconds(attribute)
      case Int(TCA_FQ_HORIZON_DROP): dropsBeyondHorizon = try datagram.flag8(attribute, rest: &rest)
      default: try rest.append(attribute, from: datagram)
      }
    }
  }

  func encode(into writer: MessageWriter) {
    let words: [(type: Int, value: UInt32?)] = [
      (Int(TCA_FQ_PLIMIT), limit), (Int(TCA_FQ_FLOW_PLIMIT), flowLimit), (Int(TCA_FQ_QUANTUM), quantum),
      (Int(TCA_FQ_INITIAL_QUANTUM), initialQuantum), (Int(TCA_FQ_RATE_ENABLE), isPacing.map { $0 ? 1 : 0 }),
      (Int(TCA_FQ_FLOW_MAX_RATE), maximumRate?.narrow), (Int(TCA_FQ_BUCKETS_LOG), bucketsLogarithm),
      (Int(TCA_FQ_FLOW_REFILL_DELAY), refillDelay?.microseconds32), (Int(TCA_FQ_ORPHAN_MASK), orphanMask),
      (Int(TCA_FQ_LOW_RATE_THRESHOLD), lowRateThreshold?.narrow),
      (Int(TCA_FQ_CE_THRESHOLD), markThreshold?.microseconds32), (Int(TCA_FQ_TIMER_SLACK), timerSlack?.nanoseconds32),
      (Int(TCA_FQ_HORIZON), horizon?.microseconds32),
    ]
    for (type, value) in words { if let value { writer.put(type, value) } }
    if let dropsBeyondHorizon { writer.put(Int(TCA_FQ_HORIZON_DROP), UInt8(dropsBeyondHorizon ? 1 : 0)) }
  }

  var objection: String? {
    for rate in [maximumRate, lowRateThreshold] where rate?.isWide == true {
      return "a rate of fq must be at most \(UInt32.max) bytes per second"
    }
    if let timerSlack, timerSlack < .zero || timerSlack > .nanoseconds(UInt32.max) {
      return "the timer slack must be 0...4.294967295 s"
    }
    return refillDelay?.objection("the refill delay") ?? markThreshold?.objection("the mark threshold")
      ?? horizon?.objection("the horizon")
  }
}

extension RawSpan {
  /// 32 bits of microseconds.
  func microseconds(_ attribute: Attribute) throws(WireError) -> Duration {
    .microseconds(try value(attribute, as: UInt32.self))
  }

  /// 32 bits that are 0 or 1; anything else is kept in `rest`, and nil here.
  func flag32(_ attribute: Attribute, rest: inout RawAttributes) throws(WireError) -> Bool? {
    let number = try value(attribute, as: UInt32.self)
    if number <= 1 { return number == 1 }
    try rest.append(attribute, from: self)
    return nil
  }

  /// A byte that is 0 or 1; anything else is kept in `rest`, and nil here.
  func flag8(_ attribute: Attribute, rest: inout RawAttributes) throws(WireError) -> Bool? {
    let number = try value(attribute, as: UInt8.self)
    if number <= 1 { return number == 1 }
    try rest.append(attribute, from: self)
    return nil
  }
}
