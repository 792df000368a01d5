// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What kind of class it is, with the settings of that kind: to make one, and as read back.
public enum ClassSettings: Sendable, Hashable {
  /// A class of ``QdiscSettings/htb(_:)``.
  case htb(HTB)
  /// A class of a kind that this module has no settings for, by the kernel's name for it, such as `prio`.
  ///
  /// Its options are the whole attribute `TCA_OPTIONS`, if there is one.
  case other(String, options: RawAttributes = RawAttributes())

  /// The kernel's name of the kind (`TCA_KIND`).
  public var name: String {
    switch self {
    case .htb: "htb"
    case .other(let name, _): name
    }
  }

  /// Settings of a class of `htb` (`struct tc_htb_opt`).
  public struct HTB: Sendable, Hashable {
    /// What the class is sure to get.
    public var rate: RateLimit
    /// What it may have at most, when others leave it.
    public var ceiling: RateLimit
    /// How much may be sent at once at the rate, after a pause.
    public var burst: TrafficBurst
    /// How much may be sent at once at the ceiling, after a pause.
    public var ceilingBurst: TrafficBurst
    /// Of classes that want more than their rate a lower number is served first, 0...7.
    public var priority: UInt32
    /// How many bytes it may send in its turn; 0 for the rate divided by ``QdiscSettings/HTB/rateToQuantum``.
    ///
    /// Read back it is what the kernel made of it: 1000...200000 where it was 0.
    public var quantum: UInt32
    /// How far from the leaves it is, 0...7; not sent.
    public var level: UInt32 = 0

    /// Describes a class.
    ///
    /// - Parameters:
    ///   - rate: what the class is sure to get; more than 0.
    ///   - ceiling: what it may have at most; nil for the rate.
    ///   - burst: how much may be sent at once at the rate; nil for what `tc` takes: 1600 bytes, and what flows in a
    ///     nanosecond.
    ///   - ceilingBurst: how much may be sent at once at the ceiling; nil for the same.
    ///   - priority: of classes that want more than their rate a lower number is served first, 0...7.
    ///   - quantum: how many bytes it may send in its turn; 0 to let the kernel compute it.
    public init(
      rate: RateLimit, ceiling: RateLimit? = nil, burst: TrafficBurst? = nil, ceilingBurst: TrafficBurst? = nil,
      priority: UInt32 = 0, quantum: UInt32 = 0
    ) {
      self.rate = rate
      self.ceiling = ceiling ?? rate
      self.burst = burst ?? HTB.usualBurst(rate)
      self.ceilingBurst = ceilingBurst ?? HTB.usualBurst(self.ceiling)
      self.priority = priority
      self.quantum = quantum
    }

    /// The size of packet that `tc` reckons with.
    static let packetSize: UInt32 = 1600

    private static func usualBurst(_ limit: RateLimit) -> TrafficBurst {
      .bytes(UInt32(clamping: limit.rate.bytesPerSecond / 1_000_000_000 + UInt64(packetSize)))
    }
  }
}

extension ClassSettings.HTB {
  /// Reads `TCA_OPTIONS`; nil when the one attribute that must be there is not.
  init?(_ options: Attribute?, in datagram: RawSpan, rest: inout RawAttributes) throws(WireError) {
    guard let options else { return nil }
    var parameters: tc_htb_opt?
    var wideRate: UInt64?
    var wideCeiling: UInt64?
    var others = RawAttributes()
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_HTB_PARMS): parameters = try datagram.structure(attribute, as: tc_htb_opt.self)
      case Int(TCA_HTB_RATE64): wideRate = try datagram.value(attribute)
      case Int(TCA_HTB_CEIL64): wideCeiling = try datagram.value(attribute)
      default: try others.append(attribute, from: datagram)
      }
    }
    guard let parameters else { return nil }
    rest = others
    self.init(
      rate: RateLimit(parameters.rate, wide: wideRate), ceiling: RateLimit(parameters.ceil, wide: wideCeiling),
      burst: .ticks(parameters.buffer), ceilingBurst: .ticks(parameters.cbuffer), priority: parameters.prio,
      quantum: parameters.quantum)
    level = parameters.level
  }

  /// Writes the attributes inside `TCA_OPTIONS` as `tc` does, tables included.
  func encode(into writer: MessageWriter) {
    let table = TrafficClock.table(of: rate, largest: ClassSettings.HTB.packetSize)
    let ceilingTable = TrafficClock.table(of: ceiling, largest: ClassSettings.HTB.packetSize)
    encode(
      rate.request(logarithm: table.logarithm), ceiling.request(logarithm: ceilingTable.logarithm), level: 0,
      into: writer)
    writer.put(Int(TCA_HTB_RTAB), values: table.entries)
    writer.put(Int(TCA_HTB_CTAB), values: ceilingTable.entries)
  }

  /// Writes the attributes inside `TCA_OPTIONS` as the kernel does.
  func encodeReply(into writer: MessageWriter) { encode(rate.reply, ceiling.reply, level: level, into: writer) }

  private func encode(
    _ rateWords: tc_ratespec, _ ceilingWords: tc_ratespec, level: UInt32, into writer: MessageWriter
  ) {
    writer.put(
      Int(TCA_HTB_PARMS),
      structure: tc_htb_opt(
        rate: rateWords, ceil: ceilingWords, buffer: burst.ticks(at: rate.rate),
        cbuffer: ceilingBurst.ticks(at: ceiling.rate), quantum: quantum, level: level, prio: priority))
    if rate.rate.isWide { writer.put(Int(TCA_HTB_RATE64), rate.rate.bytesPerSecond) }
    if ceiling.rate.isWide { writer.put(Int(TCA_HTB_CEIL64), ceiling.rate.bytesPerSecond) }
  }

  var objection: String? {
    rate.rate.bytesPerSecond == 0 || ceiling.rate.bytesPerSecond == 0 ? "a rate must be more than 0" : nil
  }
}
