// SPDX-License-Identifier: Apache-2.0

/// A rule of a policy, by where it stands.
public struct PolicyRuleReference: Hashable, Sendable {
  /// The policy.
  public var policy: PolicyReference
  /// The list of rules.
  public var direction: PolicyDirection
  /// The position in the list, from 0.
  public var index: Int

  /// Makes a reference.
  ///
  /// - Parameters:
  ///   - policy: the policy.
  ///   - direction: the list of rules.
  ///   - index: the position in the list, from 0.
  public init(policy: PolicyReference, direction: PolicyDirection, index: Int) {
    self.policy = policy
    self.direction = direction
    self.index = index
  }
}

extension PolicyRuleReference: CustomStringConvertible, Comparable {
  /// Such as `NetworkPolicy shop/db ingress[0]`.
  public var description: String { "\(policy) \(direction)[\(index)]" }

  /// Orders by policy, direction and position.
  public static func < (left: PolicyRuleReference, right: PolicyRuleReference) -> Bool {
    (left.policy, left.direction, left.index) < (right.policy, right.direction, right.index)
  }
}
