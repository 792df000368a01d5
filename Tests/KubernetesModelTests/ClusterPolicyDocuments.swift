// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesModel

/// The three kinds of cluster-scoped policy, as the tests write them.
enum PolicyKind: String, CaseIterable {
  case admin = "AdminNetworkPolicy"
  case baseline = "BaselineAdminNetworkPolicy"
  case cluster = "ClusterNetworkPolicy"

  var apiVersion: String { "policy.networking.k8s.io/" + (self == .cluster ? "v1alpha2" : "v1alpha1") }

  /// The beginning of a `spec` that lacks rules only.
  var head: String {
    switch self {
    case .admin: #""priority": 5, "subject": {"namespaces": {}}"#
    case .baseline: #""subject": {"namespaces": {}}"#
    case .cluster: #""tier": "Admin", "priority": 5, "subject": {"namespaces": {}}"#
    }
  }

  /// A manifest with this `spec`.
  func manifest(_ spec: String, metadata: String = #"{"name": "default"}"#) -> String {
    #"{"apiVersion": "\#(apiVersion)", "kind": "\#(rawValue)", "metadata": \#(metadata), "spec": \#(spec)}"#
  }
}

func documentValue(_ text: String) throws -> DocumentValue {
  try JSONDecoder().decode(DocumentValue.self, from: Data(text.utf8))
}

/// Reads a manifest and returns its specification.
func clusterPolicySpec(_ text: String, options: ReadingOptions = .strict) throws -> ClusterPolicy.Spec {
  switch try KubernetesObject(documentValue(text), options: options) {
  case .adminNetworkPolicy(let policy): return policy.spec
  case .baselineAdminNetworkPolicy(let policy): return policy.spec
  case .clusterNetworkPolicy(let policy): return policy.spec
  default: throw ValidationError(path: ".kind", message: "another kind")
  }
}
