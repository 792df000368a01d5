// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// A rule of a policy, by where it stands.
public struct PolicyRuleReference: Hashable, Sendable {
  /// The policy.
  public var policy: NamespacedName
  /// The list of rules.
  public var direction: PolicyDirection
  /// The position in the list, from 0.
  public var index: Int
}

extension PolicyRuleReference: CustomStringConvertible, Comparable {
  /// Such as `shop/db ingress[0]`.
  public var description: String { "\(policy) \(direction)[\(index)]" }

  /// Orders by policy, direction and position.
  public static func < (left: PolicyRuleReference, right: PolicyRuleReference) -> Bool {
    (left.policy, left.direction, left.index) < (right.policy, right.direction, right.index)
  }
}
