// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// The packet scheduler's clock, and what is computed with it.
///
/// A tick is 64 ns (`PSCHED_SHIFT`) on every kernel since 2.6.31; `/proc/net/psched` says so in its second number. Before,
/// and in `tc`, which still reads that file, it could be something else.
enum TrafficClock {
  /// `PSCHED_TICKS2NS(1)`.
  static let nanosecondsPerTick: Double = 64
  private static let ticksPerMicrosecond = 1000 / nanosecondsPerTick

  /// How long `size` bytes take, in ticks, as `tc` computes it: by way of whole microseconds.
  ///
  /// Less than a microsecond would be 0, no burst at all; that is counted exactly, and rounded up.
  static func ticks(for size: UInt32, at rate: TrafficRate) -> UInt32 {
    guard size > 0 else { return 0 }
    guard rate.bytesPerSecond > 0 else { return .max }
    let microseconds = 1e6 * (Double(size) / Double(rate.bytesPerSecond))
    if microseconds < 1 { return max(1, clamped((microseconds * ticksPerMicrosecond).rounded(.up))) }
    return clamped(microseconds.rounded(.down) * ticksPerMicrosecond)
  }

  /// How many bytes flow in so many ticks.
  static func bytes(in ticks: UInt32, at rate: TrafficRate) -> UInt32 {
    clamped(Double(rate.bytesPerSecond) * (Double(ticks) / ticksPerMicrosecond) / 1e6)
  }

  private static func clamped(_ value: Double) -> UInt32 { value < Double(UInt32.max) ? UInt32(value) : .max }

  /// What `tc` puts in a rate table (`TCA_TBF_RTAB`, `TCA_HTB_RTAB`): for 256 sizes of packets the ticks they take.
  ///
  /// Kernels since 3.8 compute for themselves, but want a table from who does not say the link layer.
  ///
  /// - Parameters:
  ///   - limit: the rate, and how packets are counted.
  ///   - largest: the size of the largest packet; it decides how far apart the sizes are.
  /// - Returns: The table, and the logarithm of the distance (`cell_log`).
  static func table(of limit: RateLimit, largest: UInt32) -> (entries: [UInt32], logarithm: UInt8) {
    let largest = largest == 0 ? 2047 : largest
    var logarithm: UInt8 = 0
    while largest >> logarithm > 255 { logarithm += 1 }
    let entries = (UInt64(1)...256).map { cell in
      var size = max(cell << logarithm, UInt64(limit.minimumPacketSize))
      if limit.linkLayer == .atm { size = (size + 47) / 48 * 53 }
      return tableTicks(for: size, at: limit.rate)
    }
    return (entries, logarithm)
  }

  private static func tableTicks(for size: UInt64, at rate: TrafficRate) -> UInt32 {
    let microseconds = 1e6 * (Double(size) / Double(max(1, rate.bytesPerSecond)))
    return clamped(Double(clamped(microseconds)) * ticksPerMicrosecond)
  }
}

extension RateLimit {
  /// Reads `struct tc_ratespec`; `wide` is what the second attribute says.
  init(_ specification: tc_ratespec, wide: UInt64?) {
    self.init(
      TrafficRate(bytesPerSecond: wide ?? UInt64(specification.rate)), overhead: specification.overhead,
      minimumPacketSize: specification.mpu, linkLayer: TrafficLinkLayer(rawValue: specification.linklayer))
  }

  /// `struct tc_ratespec` as the kernel sends it.
  var reply: tc_ratespec {
    tc_ratespec(
      cell_log: 0, linklayer: linkLayer.rawValue, overhead: overhead, cell_align: 0, mpu: minimumPacketSize,
      rate: rate.narrow)
  }

  /// `struct tc_ratespec` for a request that brings a table.
  func request(logarithm: UInt8) -> tc_ratespec {
    var specification = reply
    specification.cell_log = logarithm
    specification.cell_align = -1
    return specification
  }
}
