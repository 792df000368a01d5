// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// One thing of the cluster that is different now: added, replaced, or, where the new value is nil, removed.
public enum PolicyChange: Hashable, Sendable {
  /// A pod.
  case pod(NamespacedName, PolicyPod?)
  /// The labels of a namespace.
  case namespace(String, labels: [String: String]?)
  /// A node.
  case node(String, PolicyNode?)
  /// A NetworkPolicy.
  case networkPolicy(NamespacedName, NetworkPolicy?)
  /// A policy of the cluster's administrators.
  case clusterPolicy(PolicyReference, ClusterPolicyObject?)
}
