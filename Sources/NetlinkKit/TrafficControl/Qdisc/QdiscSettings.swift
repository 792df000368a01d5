// SPDX-License-Identifier: Apache-2.0

/// What kind of queueing discipline it is, with the settings of that kind: to make one, and as read back.
///
/// A setting that is nil is left to the kernel; read back, the kernel did not say it.
public enum QdiscSettings: Sendable, Hashable {
  /// A place for filters in both directions; queues nothing.
  case clsact
  /// A place for filters on packets that come in; queues nothing.
  case ingress
  /// No queue: packets go to the device at once.
  case noqueue
  /// One child for each of the device's queues.
  case mq
  /// A fair queue per flow, with pacing.
  case fq(FQ = FQ())
  /// A fair queue per flow, with CoDel on each.
  case fqCodel(FQCodel = FQCodel())
  /// A token bucket: one rate for all packets.
  case tbf(TBF)
  /// A tree of token buckets; the rates are those of its classes (``ClassSettings/HTB``).
  case htb(HTB = HTB())
  /// Bands; a lower one is served first.
  case prio(Bands = Bands())
  /// Three bands that are chosen by priority; the kernel's choice where there is no other.
  ///
  /// The bands are read only; nil to make one.
  case pfifoFast(Bands? = nil)
  /// One queue of so many packets; nil for the device's queue length.
  case pfifo(limit: UInt32? = nil)
  /// One queue of so many bytes; nil for the device's queue length times its MTU.
  case bfifo(limit: UInt32? = nil)
  /// A kind that this module has no settings for, by the kernel's name for it, such as `netem`.
  ///
  /// Its options are the whole attribute `TCA_OPTIONS`, if there is one: some kinds put a struct in it, others attributes.
  case other(String, options: RawAttributes = RawAttributes())

  /// The kernel's name of the kind (`TCA_KIND`).
  public var name: String {
    switch self {
    case .clsact: "clsact"
    case .ingress: "ingress"
    case .noqueue: "noqueue"
    case .mq: "mq"
    case .fq: "fq"
    case .fqCodel: "fq_codel"
    case .tbf: "tbf"
    case .htb: "htb"
    case .prio: "prio"
    case .pfifoFast: "pfifo_fast"
    case .pfifo: "pfifo"
    case .bfifo: "bfifo"
    case .other(let name, _): name
    }
  }

  /// The bands of `prio` and `pfifo_fast` (`struct tc_prio_qopt`).
  public struct Bands: Sendable, Hashable {
    /// How many there are, 2...16.
    public var count: Int32
    /// The band for each of the 16 priorities, from 0.
    public var priorities: PriorityMap

    /// Describes bands.
    ///
    /// - Parameters:
    ///   - count: how many there are, 2...16.
    ///   - priorities: the band for each of the 16 priorities; each must be below `count`.
    public init(count: Int32 = 3, priorities: PriorityMap = PriorityMap()) {
      self.count = count
      self.priorities = priorities
    }
  }

  /// A band for each of the 16 priorities of packets (`TC_PRIO_MAX` + 1).
  public struct PriorityMap: Sendable, Hashable {
    /// Eight bands each, the first in the lowest byte.
    var halves: (UInt64, UInt64)

    /// The map that `tc` takes when it is given none: `1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1`.
    public init() { halves = (0x0000_0201_0202_0201, 0x0101_0101_0101_0101) }

    /// Makes a map from bands for the first priorities; the others get 0.
    public init(_ bands: [UInt8]) {
      halves = (0, 0)
      for (priority, band) in bands.prefix(16).enumerated() { self[priority] = band }
    }

    /// The band for a priority, 0...15, or it traps.
    public subscript(priority: Int) -> UInt8 {
      get {
        precondition((0..<16).contains(priority), "priority \(priority)")
        return UInt8(truncatingIfNeeded: (priority < 8 ? halves.0 : halves.1) >> (8 * (priority % 8)))
      }
      set {
        precondition((0..<16).contains(priority), "priority \(priority)")
        let shift = 8 * (priority % 8)
        func changed(_ half: UInt64) -> UInt64 { half & ~(0xff << shift) | UInt64(newValue) << shift }
        if priority < 8 { halves.0 = changed(halves.0) } else { halves.1 = changed(halves.1) }
      }
    }

    /// The bands, by priority.
    public var bands: [UInt8] { (0..<16).map { self[$0] } }

    /// Whether both give each priority the same band.
    public static func == (left: Self, right: Self) -> Bool { left.halves == right.halves }
    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) {
      hasher.combine(halves.0)
      hasher.combine(halves.1)
    }
  }
}
