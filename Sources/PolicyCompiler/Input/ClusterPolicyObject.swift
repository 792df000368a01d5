// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// A policy of the cluster's administrators, of any kind.
public enum ClusterPolicyObject: Hashable, Sendable {
  /// `v1alpha1`, asked before any NetworkPolicy.
  case admin(AdminNetworkPolicy)
  /// `v1alpha1`, asked where no NetworkPolicy selects the pod.
  case baseline(BaselineAdminNetworkPolicy)
  /// `v1alpha2`, of either tier.
  case cluster(ClusterNetworkPolicy)

  /// The policy's rules, and when they are asked.
  public var spec: ClusterPolicy.Spec {
    switch self {
    case .admin(let policy): policy.spec
    case .baseline(let policy): policy.spec
    case .cluster(let policy): policy.spec
    }
  }

  /// Kind and name.
  public var reference: PolicyReference {
    switch self {
    case .admin(let policy): PolicyReference(.adminNetworkPolicy, policy.metadata.key)
    case .baseline(let policy): PolicyReference(.baselineAdminNetworkPolicy, policy.metadata.key)
    case .cluster(let policy): PolicyReference(.clusterNetworkPolicy, policy.metadata.key)
    }
  }
}

/// Which policy.
public struct PolicyReference: Hashable, Sendable {
  /// A kind of policy.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// `networking.k8s.io/v1`.
    case networkPolicy = "NetworkPolicy"
    /// `policy.networking.k8s.io/v1alpha1`.
    case adminNetworkPolicy = "AdminNetworkPolicy"
    /// `policy.networking.k8s.io/v1alpha1`.
    case baselineAdminNetworkPolicy = "BaselineAdminNetworkPolicy"
    /// `policy.networking.k8s.io/v1alpha2`.
    case clusterNetworkPolicy = "ClusterNetworkPolicy"
  }

  /// The kind.
  public var kind: Kind
  /// Namespace and name; the namespace is empty for the cluster-scoped kinds.
  public var name: NamespacedName

  /// Makes a reference.
  ///
  /// - Parameters:
  ///   - kind: the kind.
  ///   - name: namespace and name.
  public init(_ kind: Kind, _ name: NamespacedName) {
    self.kind = kind
    self.name = name
  }
}

extension PolicyReference: CustomStringConvertible, Comparable {
  /// Such as `NetworkPolicy shop/db`.
  public var description: String { "\(kind.rawValue) \(name)" }

  /// Orders by kind, then by namespace and name.
  public static func < (left: PolicyReference, right: PolicyReference) -> Bool {
    (left.kind.rawValue, left.name) < (right.kind.rawValue, right.name)
  }
}
