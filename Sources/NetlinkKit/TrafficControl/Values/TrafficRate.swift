// SPDX-License-Identifier: Apache-2.0

/// How fast data may flow.
///
/// The kernel counts bytes per second; `tc` prints bits. Beyond 2³² bytes per second (34 Gbit/s) the kernel takes and
/// sends the number in a second attribute; this module does that by itself.
public struct TrafficRate: Sendable, Hashable, Comparable {
  /// In bytes per second.
  public var bytesPerSecond: UInt64

  /// Makes a rate from bytes per second.
  public init(bytesPerSecond: UInt64) { self.bytesPerSecond = bytesPerSecond }

  /// Makes a rate from bits per second, rounded down to whole bytes.
  public init(bitsPerSecond: UInt64) { bytesPerSecond = bitsPerSecond / 8 }

  /// A rate of this many thousand bits per second.
  public static func kilobits(_ count: UInt64) -> TrafficRate { scaled(count, by: 125) }
  /// A rate of this many million bits per second.
  public static func megabits(_ count: UInt64) -> TrafficRate { scaled(count, by: 125_000) }
  /// A rate of this many thousand million bits per second.
  public static func gigabits(_ count: UInt64) -> TrafficRate { scaled(count, by: 125_000_000) }

  private static func scaled(_ count: UInt64, by factor: UInt64) -> TrafficRate {
    let (product, overflow) = count.multipliedReportingOverflow(by: factor)
    return TrafficRate(bytesPerSecond: overflow ? .max : product)
  }

  /// Orders rates, slow to fast.
  public static func < (left: Self, right: Self) -> Bool { left.bytesPerSecond < right.bytesPerSecond }

  /// What goes where the kernel has 32 bits: all ones say "see the other attribute".
  var narrow: UInt32 { UInt32(clamping: bytesPerSecond) }
  /// Whether the second attribute is needed.
  var isWide: Bool { bytesPerSecond > UInt64(UInt32.max) }
}

extension TrafficRate: CustomStringConvertible {
  /// The rate in bits per second, as `1000000bit`.
  public var description: String {
    let (bits, overflow) = bytesPerSecond.multipliedReportingOverflow(by: 8)
    return overflow ? "\(bytesPerSecond)bps" : "\(bits)bit"
  }
}

/// What packets cost on the wire below the link (`TC_LINKLAYER_...`).
public struct TrafficLinkLayer: RawRepresentable, Sendable, Hashable {
  /// The kernel's number, 0...15.
  public let rawValue: UInt8

  /// Makes a link layer from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Not said: the kernel guesses it from the rate table.
  public static let unaware = TrafficLinkLayer(rawValue: 0)
  /// As many bytes as the packet has, with overhead.
  public static let ethernet = TrafficLinkLayer(rawValue: 1)
  /// In cells of 53 bytes that carry 48.
  public static let atm = TrafficLinkLayer(rawValue: 2)
}

/// A rate, and how packets are counted against it (`struct tc_ratespec`).
public struct RateLimit: Sendable, Hashable {
  /// How fast.
  public var rate: TrafficRate
  /// How many bytes each packet costs beyond its own, 0...65535.
  public var overhead: UInt16
  /// How many bytes a packet costs at least, 0...65535 (`mpu`).
  public var minimumPacketSize: UInt16
  /// What packets cost on the wire below.
  public var linkLayer: TrafficLinkLayer

  /// Describes a rate.
  ///
  /// - Parameters:
  ///   - rate: how fast.
  ///   - overhead: how many bytes each packet costs beyond its own.
  ///   - minimumPacketSize: how many bytes a packet costs at least.
  ///   - linkLayer: what packets cost on the wire below.
  public init(
    _ rate: TrafficRate, overhead: UInt16 = 0, minimumPacketSize: UInt16 = 0, linkLayer: TrafficLinkLayer = .ethernet
  ) {
    self.rate = rate
    self.overhead = overhead
    self.minimumPacketSize = minimumPacketSize
    self.linkLayer = linkLayer
  }
}

/// How much may be sent at once after a pause.
///
/// The kernel keeps a burst as the time it takes at the rate, in ticks of 64 ns, so that is how it is read back. Set in
/// bytes it is rounded down to whole microseconds, as `tc` does; set in ticks it comes back as it is.
public enum TrafficBurst: Sendable, Hashable {
  /// In bytes.
  case bytes(UInt32)
  /// As the time that it takes at the rate, in ticks of 64 ns.
  case ticks(UInt32)

  /// The burst in bytes, rounded down.
  public func bytes(at rate: TrafficRate) -> UInt32 {
    switch self {
    case .bytes(let count): count
    case .ticks(let count): TrafficClock.bytes(in: count, at: rate)
    }
  }

  /// The burst in ticks.
  public func ticks(at rate: TrafficRate) -> UInt32 {
    switch self {
    case .bytes(let count): TrafficClock.ticks(for: count, at: rate)
    case .ticks(let count): count
    }
  }
}
