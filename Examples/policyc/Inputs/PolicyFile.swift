// SPDX-License-Identifier: Apache-2.0

import ClusterState
import KubernetesModel
import PolicyCompiler

/// The policies of one stream of manifests.
struct PolicyFile {
  /// Why a document is refused.
  struct Problem {
    /// Counted from 0, empty ones included; nil where the stream itself cannot be read.
    var document: Int?
    var path: String
    var message: String
    /// Counted from 1.
    var line: Int?
  }

  /// Where the policies come from, for messages.
  let name: String
  var networkPolicies: [NetworkPolicy] = []
  var clusterPolicies: [ClusterPolicyObject] = []

  /// Reads the file.
  ///
  /// - Returns: the policies, or why they are refused.
  static func read(_ path: String) throws -> (PolicyFile, [Problem]) {
    let bytes = try Files.bytes(path, orEndWith: .usage)
    var file = PolicyFile(name: path)
    var problems: [Problem] = []
    do {
      let stream = try ManifestStream(bytes: bytes, name: path)
      for object in stream.objects {
        switch object {
        case .networkPolicy(let policy): file.networkPolicies.append(policy)
        case .adminNetworkPolicy(let policy): file.clusterPolicies.append(.admin(policy))
        case .baselineAdminNetworkPolicy(let policy): file.clusterPolicies.append(.baseline(policy))
        case .clusterNetworkPolicy(let policy): file.clusterPolicies.append(.cluster(policy))
        case .pod, .namespace, .node, .service, .endpointSlice:
          problems.append(Problem(path: ".kind", message: "\(object.kind) is no policy; remove it from the file"))
        }
      }
    } catch {
      problems.append(Problem(document: error.document, path: error.path, message: error.message))
    }
    return (file, problems)
  }

  /// Reads the file; a refused manifest ends the command.
  static func accepted(_ path: String) throws -> PolicyFile {
    let (file, problems) = try read(path)
    guard let first = problems.first else { return file }
    throw Failure(status: .refused, message: "\(path): \(first.text)")
  }

  /// Where a rule or a policy stands, such as `policies.yaml:12-15`; the file alone where that is not known.
  func place(_ rule: PolicyRuleReference) -> String { name }
  /// The same for a policy.
  func place(_ policy: PolicyReference) -> String { name }
}

extension PolicyFile.Problem {
  var text: String {
    var parts: [String] = []
    if let document { parts.append("document \(document)") }
    if let line { parts.append("line \(line)") }
    if !path.isEmpty { parts.append(path) }
    return (parts + [message]).joined(separator: ": ")
  }
}
