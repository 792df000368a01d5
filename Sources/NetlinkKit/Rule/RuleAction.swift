// SPDX-License-Identifier: Apache-2.0

/// What a rule does with a packet that matches (`FR_ACT_...`).
public struct RuleAction: RawRepresentable, Sendable, Hashable {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes an action from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Not said; when removing a rule, any.
  public static let unspecified = RuleAction(rawValue: 0)
  /// Asks the rule's table; the next rule follows if that has no route.
  public static let lookUp = RuleAction(rawValue: 1)
  /// Goes on at another rule: ``Rule/target``.
  public static let goTo = RuleAction(rawValue: 2)
  /// Nothing.
  public static let none = RuleAction(rawValue: 3)
  /// Drops the packet silently.
  public static let blackhole = RuleAction(rawValue: 6)
  /// Refuses the packet: unreachable.
  public static let unreachable = RuleAction(rawValue: 7)
  /// Refuses the packet: prohibited.
  public static let prohibit = RuleAction(rawValue: 8)
}
