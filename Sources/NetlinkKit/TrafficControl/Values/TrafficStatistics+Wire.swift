// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension TrafficStatistics {
  static let applicationType = UInt16(TCA_STATS_APP)

  /// Reads the statistics of a queueing discipline or a class.
  ///
  /// The older attributes say the same once more; they are kept in `rest` only where they do not.
  ///
  /// - Returns: nil when there are none.
  static func decode(
    _ current: Attribute?, legacy: Attribute?, application: Attribute?, in datagram: RawSpan, rest: inout RawAttributes
  ) throws(WireError) -> TrafficStatistics? {
    guard let current else {
      if let legacy { try rest.append(legacy, from: datagram) }
      if let application { try rest.append(application, from: datagram) }
      return nil
    }
    var statistics = try TrafficStatistics(current, in: datagram)
    if let legacy {
      if try statistics.agrees(with: legacy, in: datagram) {
        statistics.form.insert(.legacy)
      } else {
        try rest.append(legacy, from: datagram)
      }
    }
    if let application {
      if try statistics.repeats(application, of: current, in: datagram) {
        statistics.form.insert(.legacyApplication)
      } else {
        try rest.append(application, from: datagram)
      }
    }
    return statistics
  }

  /// Reads `TCA_STATS2` or `TCA_ACT_STATS`.
  init(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    var widePackets: UInt64?
    var narrowEstimate: RateEstimate?
    var cursor = AttributeCursor(attribute.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_STATS_BASIC): traffic = try TrafficStatistics.traffic(attribute, in: datagram)
      case Int(TCA_STATS_BASIC_HW): hardwareTraffic = try TrafficStatistics.traffic(attribute, in: datagram)
      case Int(TCA_STATS_PKT64): widePackets = try datagram.value(attribute)
      case Int(TCA_STATS_QUEUE):
        let queue = try datagram.structure(attribute, as: gnet_stats_queue.self)
        self.queue = Queue(
          length: queue.qlen, backlog: queue.backlog, dropped: queue.drops, requeues: queue.requeues,
          overlimits: queue.overlimits)
      case Int(TCA_STATS_RATE_EST):
        let estimate = try datagram.structure(attribute, as: gnet_stats_rate_est.self)
        narrowEstimate = RateEstimate(
          bytesPerSecond: UInt64(estimate.bps), packetsPerSecond: UInt64(estimate.pps))
      case Int(TCA_STATS_RATE_EST64):
        let estimate = try datagram.structure(attribute, as: gnet_stats_rate_est64.self)
        rateEstimate = RateEstimate(bytesPerSecond: estimate.bps, packetsPerSecond: estimate.pps)
        form.insert(.wideEstimate)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    if let widePackets {
      form.insert(.widePackets)
      traffic.packets = widePackets
    }
    rateEstimate = rateEstimate ?? narrowEstimate
  }

  private static func traffic(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Traffic {
    // `struct gnet_stats_basic` with the padding that the kernel sends, or without.
    guard attribute.payload.count == 16 || attribute.payload.count == 12 else {
      throw .attributeWidth(type: attribute.type, expected: 16, actual: attribute.payload.count)
    }
    let start = attribute.payload.lowerBound
    return Traffic(
      bytes: try datagram.load(UInt64.self, at: start), packets: UInt64(try datagram.load(UInt32.self, at: start + 8)))
  }

  /// `TCA_STATS` as it follows from the rest.
  private var legacy: tc_stats {
    tc_stats(
      bytes: traffic.bytes, packets: UInt32(truncatingIfNeeded: traffic.packets), drops: queue?.dropped ?? 0,
      overlimits: queue?.overlimits ?? 0, bps: UInt32(truncatingIfNeeded: rateEstimate?.bytesPerSecond ?? 0),
      pps: UInt32(truncatingIfNeeded: rateEstimate?.packetsPerSecond ?? 0), qlen: queue?.length ?? 0,
      backlog: queue?.backlog ?? 0)
  }

  private func agrees(with attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    // 36 bytes and four of padding.
    guard attribute.payload.count == 40 else { return false }
    let start = attribute.payload.lowerBound
    let theirs = try datagram.load(tc_stats.self, at: start)
    let padding = try datagram.load(UInt32.self, at: start + 36)
    let own = legacy
    return theirs.bytes == own.bytes && theirs.packets == own.packets && theirs.drops == own.drops
      && theirs.overlimits == own.overlimits && theirs.bps == own.bps && theirs.pps == own.pps
      && theirs.qlen == own.qlen && theirs.backlog == own.backlog
      && padding == 0
  }

  private func repeats(
    _ attribute: Attribute, of statistics: Attribute, in datagram: RawSpan
  ) throws(WireError) -> Bool {
    var cursor = AttributeCursor(statistics.payload)
    while let each = try cursor.next(in: datagram) {
      guard each.type == TrafficStatistics.applicationType else { continue }
      guard each.payload.count == attribute.payload.count else { return false }
      for offset in 0..<each.payload.count {
        let left = try datagram.load(UInt8.self, at: each.payload.lowerBound + offset)
        if try datagram.load(UInt8.self, at: attribute.payload.lowerBound + offset) != left { return false }
      }
      return true
    }
    return false
  }

  /// Writes the statistics as the kernel does, in an attribute of `type`.
  ///
  /// The older ones are written beside it when they were read.
  func encodeReply(_ type: Int, into writer: MessageWriter) {
    writer.nested(type) { writer in
      TrafficStatistics.encode(TCA_STATS_BASIC, traffic, into: writer)
      if form.contains(.widePackets) { writer.put(Int(TCA_STATS_PKT64), traffic.packets) }
      if let hardwareTraffic { TrafficStatistics.encode(TCA_STATS_BASIC_HW, hardwareTraffic, into: writer) }
      if let queue {
        writer.put(
          Int(TCA_STATS_QUEUE), values: [queue.length, queue.backlog, queue.dropped, queue.requeues, queue.overlimits])
      }
      if let rateEstimate {
        writer.put(
          Int(TCA_STATS_RATE_EST),
          values: [
            UInt32(truncatingIfNeeded: rateEstimate.bytesPerSecond),
            UInt32(truncatingIfNeeded: rateEstimate.packetsPerSecond),
          ])
        if form.contains(.wideEstimate) {
          writer.put(
            Int(TCA_STATS_RATE_EST64), values: [rateEstimate.bytesPerSecond, rateEstimate.packetsPerSecond])
        }
      }
      writer.put(otherAttributes)
    }
    if form.contains(.legacy) {
      let own = legacy
      let words = [own.packets, own.drops, own.overlimits, own.bps, own.pps, own.qlen, own.backlog, 0]
      let bytes = [own.bytes].flatMap(TrafficStatistics.bytes) + words.flatMap(TrafficStatistics.bytes)
      writer.put(Int(TCA_STATS), bytes: bytes)
    }
    if form.contains(.legacyApplication), let application { writer.put(Int(TCA_XSTATS), bytes: application) }
  }

  private static func encode(_ type: Int, _ traffic: Traffic, into writer: MessageWriter) {
    writer.put(type, values: [traffic.bytes, UInt64(UInt32(truncatingIfNeeded: traffic.packets))])
  }

  private static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value.littleEndian >> (8 * $0)) }
  }
}
