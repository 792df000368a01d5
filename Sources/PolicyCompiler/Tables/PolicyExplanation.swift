// SPDX-License-Identifier: Apache-2.0

/// Why one end of a connection says what it says.
public struct PolicyExplanation: Hashable, Sendable {
  /// What decided.
  public enum Reason: String, Hashable, Sendable, CaseIterable {
    /// The end is not a pod with a network of its own.
    case notAPod
    /// The pod talks to itself.
    case itself
    /// The peer is the pod's own node, which NetworkPolicy does not restrict.
    case ownNode
    /// No policy selects the pod in this direction, or none that does says anything of this connection.
    case unrestricted
    /// A rule of the admin tier.
    case adminRule
    /// One or more rules of NetworkPolicies allow it.
    case networkPolicyRule
    /// NetworkPolicies select the pod and none of their rules allows it.
    case isolated
    /// A rule of the baseline tier.
    case baselineRule
  }

  /// Whether this end lets the connection through.
  public var isAllowed: Bool
  /// What decided.
  public var reason: Reason
  /// The rules that decided: one of a cluster-scoped policy, or every NetworkPolicy rule that allows.
  public var rules: [PolicyRuleReference]
  /// The policies behind the reason: those of ``rules``, or all that isolate the pod.
  public var policies: [PolicyReference]
  /// Rules of cluster-scoped policies that matched before and passed the connection on.
  public var passedBy: [PolicyRuleReference]

  /// Makes an explanation.
  ///
  /// - Parameters:
  ///   - isAllowed: whether this end lets the connection through.
  ///   - reason: what decided.
  ///   - rules: the rules that decided.
  ///   - policies: the policies behind the reason.
  ///   - passedBy: rules that passed the connection on to the next tier.
  public init(
    isAllowed: Bool, reason: Reason, rules: [PolicyRuleReference] = [], policies: [PolicyReference] = [],
    passedBy: [PolicyRuleReference] = []
  ) {
    self.isAllowed = isAllowed
    self.reason = reason
    self.rules = rules
    self.policies = policies
    self.passedBy = passedBy
  }
}
