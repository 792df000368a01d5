// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the number of a decision stands for, which counters and flow records carry.
public struct PolicyDecision: Hashable, Sendable {
  /// Which of a rule set's answers it is.
  public enum Part: Hashable, Sendable {
    /// That for the peers of a class.
    case peers(PeerClassID)
    /// That for addresses from a first to a last one.
    case addresses(first: IPAddress, last: IPAddress)
    /// That for everyone else.
    case other
  }

  /// The rule set.
  public var ruleSet: RuleSetID
  /// Which of its answers.
  public var part: Part

  /// Makes a decision.
  ///
  /// - Parameters:
  ///   - ruleSet: The rule set.
  ///   - part: Which of its answers.
  public init(ruleSet: RuleSetID, part: Part) {
    self.ruleSet = ruleSet
    self.part = part
  }
}
