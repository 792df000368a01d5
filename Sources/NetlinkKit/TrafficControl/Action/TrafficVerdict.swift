// SPDX-License-Identifier: Apache-2.0

/// What happens to a packet after an action (`TC_ACT_...`).
public struct TrafficVerdict: RawRepresentable, Sendable, Hashable {
  /// The kernel's number.
  public let rawValue: Int32

  /// Makes a verdict from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// The next filter looks at it (`TC_ACT_UNSPEC`).
  public static let `continue` = TrafficVerdict(rawValue: -1)
  /// It passes; no further filter looks at it (`TC_ACT_OK`).
  public static let pass = TrafficVerdict(rawValue: 0)
  /// The filters look at it again from the first one (`TC_ACT_RECLASSIFY`).
  public static let reclassify = TrafficVerdict(rawValue: 1)
  /// It is dropped (`TC_ACT_SHOT`).
  public static let drop = TrafficVerdict(rawValue: 2)
  /// The next action gets it; after the last one it passes (`TC_ACT_PIPE`).
  public static let pipe = TrafficVerdict(rawValue: 3)
  /// The action has taken it, and it goes no further (`TC_ACT_STOLEN`).
  public static let stolen = TrafficVerdict(rawValue: 4)
  /// The action has put it into a queue (`TC_ACT_QUEUED`).
  public static let queued = TrafficVerdict(rawValue: 5)
  /// The actions are done again from the first one (`TC_ACT_REPEAT`).
  public static let `repeat` = TrafficVerdict(rawValue: 6)
  /// It goes where a BPF program said (`TC_ACT_REDIRECT`).
  public static let redirect = TrafficVerdict(rawValue: 7)
  /// Hardware hands it to the CPU (`TC_ACT_TRAP`); in software it goes no further.
  public static let trap = TrafficVerdict(rawValue: 8)

  /// So many actions are left out (`TC_ACT_JUMP`).
  ///
  /// - Parameter count: how many, 1...2²⁸−1; higher bits are cut off.
  /// - Returns: The verdict.
  public static func jump(_ count: UInt32) -> TrafficVerdict { extended(1, count) }
  /// The filters of another chain look at it (`TC_ACT_GOTO_CHAIN`).
  ///
  /// - Parameter chain: its number, 0...2²⁸−1; higher bits are cut off.
  /// - Returns: The verdict.
  public static func goToChain(_ chain: UInt32) -> TrafficVerdict { extended(2, chain) }

  /// The chain that it goes to; nil when the verdict is another.
  public var targetChain: UInt32? { opcode == 2 ? value : nil }
  /// How many actions are left out; nil when the verdict is another.
  public var skippedActions: UInt32? { opcode == 1 ? value : nil }

  private static func extended(_ opcode: UInt32, _ value: UInt32) -> TrafficVerdict {
    TrafficVerdict(rawValue: Int32(bitPattern: opcode << 28 | value & 0x0fff_ffff))
  }

  private var opcode: UInt32 { UInt32(bitPattern: rawValue) >> 28 }
  private var value: UInt32 { UInt32(bitPattern: rawValue) & 0x0fff_ffff }
}

extension TrafficVerdict: CustomStringConvertible {
  /// The verdict in `tc`'s words.
  public var description: String {
    if let targetChain { return "goto chain \(targetChain)" }
    if let skippedActions { return "jump \(skippedActions)" }
    let words = [
      "continue", "pass", "reclassify", "drop", "pipe", "stolen", "queued", "repeat", "redirect", "trap",
    ]
    let place = Int(rawValue) + 1
    return words.indices.contains(place) ? words[place] : "\(rawValue)"
  }
}
