// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension QdiscSettings {
  /// Settings of `tbf` (`TCA_TBF_...`).
  public struct TBF: Sendable, Hashable {
    /// A second bucket that keeps bursts apart.
    public struct Peak: Sendable, Hashable {
      /// How fast packets may follow each other.
      public var rate: RateLimit
      /// The size of that bucket, at least the size of a packet (`mtu`, `minburst`).
      public var burst: TrafficBurst

      /// Describes a peak rate.
      ///
      /// - Parameters:
      ///   - rate: how fast packets may follow each other; more than the rate itself.
      ///   - burst: the size of that bucket, at least that of a packet.
      public init(_ rate: RateLimit, burst: TrafficBurst) {
        self.rate = rate
        self.burst = burst
      }
    }

    /// How fast packets may leave.
    public var rate: RateLimit
    /// How much may leave at once after a pause; at least a packet, or nothing leaves.
    public var burst: TrafficBurst
    /// How many bytes wait at most.
    public var limit: UInt32
    /// A second bucket that keeps bursts apart; nil for none.
    public var peak: Peak?
    /// What the kernel says in the place of the peak's burst when there is no peak.
    var idlePeakBurst: UInt32 = 0

    /// Describes a token bucket by the room for packets that wait.
    ///
    /// - Parameters:
    ///   - rate: how fast packets may leave.
    ///   - burst: how much may leave at once after a pause.
    ///   - limit: how many bytes wait at most.
    ///   - peak: a second bucket that keeps bursts apart; nil for none.
    public init(rate: RateLimit, burst: TrafficBurst, limit: UInt32, peak: Peak? = nil) {
      self.rate = rate
      self.burst = burst
      self.limit = limit
      self.peak = peak
    }

    /// Describes a token bucket by how long packets may wait.
    ///
    /// - Parameters:
    ///   - rate: how fast packets may leave.
    ///   - burst: how much may leave at once after a pause.
    ///   - latency: how long packets wait at most; ``limit`` follows from it, as `tc` computes it.
    ///   - peak: a second bucket that keeps bursts apart; nil for none.
    public init(rate: RateLimit, burst: TrafficBurst, latency: Duration, peak: Peak? = nil) {
      func room(_ rate: TrafficRate, _ burst: TrafficBurst) -> Double {
        Double(rate.bytesPerSecond) * Double(max(0, latency.wholeNanoseconds)) / 1e9 + Double(burst.bytes(at: rate))
      }
      var limit = room(rate.rate, burst)
      if let peak { limit = min(limit, room(peak.rate.rate, peak.burst)) }
      self.init(rate: rate, burst: burst, limit: limit < Double(UInt32.max) ? UInt32(limit) : .max, peak: peak)
    }
  }
}

extension QdiscSettings.TBF {
  /// Reads `TCA_OPTIONS`; nil when the one attribute that must be there is not.
  init?(_ options: Attribute?, in datagram: RawSpan, rest: inout RawAttributes) throws(WireError) {
    guard let options else { return nil }
    var parameters: tc_tbf_qopt?
    var wide: UInt64?
    var widePeak: UInt64?
    var others = RawAttributes()
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_TBF_PARMS): parameters = try datagram.structure(attribute, as: tc_tbf_qopt.self)
      case Int(TCA_TBF_RATE64): wide = try datagram.value(attribute)
      case Int(TCA_TBF_PRATE64): widePeak = try datagram.value(attribute)
      default: try others.append(attribute, from: datagram)
      }
    }
    guard let parameters else { return nil }
    rest = others
    self.init(
      rate: RateLimit(parameters.rate, wide: wide), burst: .ticks(parameters.buffer), limit: parameters.limit)
    // Without a peak rate the whole of its struct is zero, and its burst says nothing.
    let peak = RateLimit(parameters.peakrate, wide: widePeak)
    if peak.rate.bytesPerSecond > 0 { self.peak = Peak(peak, burst: .ticks(parameters.mtu)) }
    idlePeakBurst = peak.rate.bytesPerSecond > 0 ? 0 : parameters.mtu
  }

  /// Writes the attributes inside `TCA_OPTIONS` as `tc` does, tables included.
  func encode(into writer: MessageWriter) {
    var largest: UInt32 = 0
    if case .bytes(let count)? = peak?.burst { largest = count }
    let table = TrafficClock.table(of: rate, largest: largest)
    let peakTable = peak.map { TrafficClock.table(of: $0.rate, largest: largest) }
    writer.put(
      Int(TCA_TBF_PARMS),
      structure: tc_tbf_qopt(
        rate: rate.request(logarithm: table.logarithm),
        peakrate: peak.map { $0.rate.request(logarithm: peakTable?.logarithm ?? 0) } ?? tc_ratespec(), limit: limit,
        buffer: ticks(burst, at: rate.rate), mtu: peak.map { ticks($0.burst, at: $0.rate.rate) } ?? 0))
    // The kernel prefers the bytes; without them it takes the ticks, so what was read goes back exactly.
    if case .bytes(let count) = burst { writer.put(Int(TCA_TBF_BURST), count) }
    if rate.rate.isWide { writer.put(Int(TCA_TBF_RATE64), rate.rate.bytesPerSecond) }
    writer.put(Int(TCA_TBF_RTAB), values: table.entries)
    guard let peak, let peakTable else { return }
    if peak.rate.rate.isWide { writer.put(Int(TCA_TBF_PRATE64), peak.rate.rate.bytesPerSecond) }
    if case .bytes(let count) = peak.burst { writer.put(Int(TCA_TBF_PBURST), count) }
    writer.put(Int(TCA_TBF_PTAB), values: peakTable.entries)
  }

  /// The ticks beside the bytes; `tc` computes them with the rate as far as 32 bits hold it.
  private func ticks(_ burst: TrafficBurst, at rate: TrafficRate) -> UInt32 {
    burst.ticks(at: TrafficRate(bytesPerSecond: UInt64(rate.narrow)))
  }

  /// Writes the attributes inside `TCA_OPTIONS` as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    writer.put(
      Int(TCA_TBF_PARMS),
      structure: tc_tbf_qopt(
        rate: rate.reply, peakrate: peak?.rate.reply ?? tc_ratespec(), limit: limit,
        buffer: burst.ticks(at: rate.rate), mtu: peak.map { $0.burst.ticks(at: $0.rate.rate) } ?? idlePeakBurst))
    if rate.rate.isWide { writer.put(Int(TCA_TBF_RATE64), rate.rate.bytesPerSecond) }
    if let peak, peak.rate.rate.isWide { writer.put(Int(TCA_TBF_PRATE64), peak.rate.rate.bytesPerSecond) }
  }

  var objection: String? {
    rate.rate.bytesPerSecond == 0 || peak?.rate.rate.bytesPerSecond == 0 ? "a rate must be more than 0" : nil
  }
}
