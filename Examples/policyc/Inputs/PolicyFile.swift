// SPDX-License-Identifier: Apache-2.0

import ClusterState
import KubernetesModel
import PolicyCompiler

/// The policies of one stream of manifests, and where in it they stand.
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

  private struct Place {
    var document: Int
    var path: FieldPath
  }

  /// Where the policies come from, for messages.
  let name: String
  private let bytes: [UInt8]
  private(set) var networkPolicies: [NetworkPolicy] = []
  private(set) var clusterPolicies: [ClusterPolicyObject] = []
  private(set) var problems: [Problem] = []
  /// Policies that do not count, because later ones have their names.
  private(set) var replacements: [PolicyManifests.Replacement] = []
  private(set) var omittedReplacementCount = 0
  private var places: [PolicyReference: Place] = [:]
  /// Made when lines are asked for.
  private(set) var sourceMap: SourceMap?

  /// Reads the file; what is refused is among its problems.
  init(_ path: String) throws {
    name = path
    bytes = try Files.bytes(path, limit: ManifestStream.sizeLimit, orEndWith: .usage)
    let manifests = PolicyManifests(bytes: bytes)
    for entry in manifests.policies {
      let reference: PolicyReference
      switch entry.object {
      case .networkPolicy(let policy):
        networkPolicies.append(policy)
        reference = PolicyReference(.networkPolicy, policy.key)
      case .adminNetworkPolicy(let policy): reference = add(.admin(policy))
      case .baselineAdminNetworkPolicy(let policy): reference = add(.baseline(policy))
      case .clusterNetworkPolicy(let policy): reference = add(.cluster(policy))
      case .pod, .namespace, .node, .service, .endpointSlice: continue
      }
      places[reference] = Place(document: entry.document, path: entry.path)
    }
    problems = manifests.errors.map {
      Problem(document: $0.document, path: $0.path, message: $0.message, line: $0.line)
    }
    replacements = manifests.replacements
    omittedReplacementCount = manifests.omittedReplacementCount
    if manifests.omittedErrorCount > 0 {
      problems.append(Problem(path: "", message: "and \(manifests.omittedErrorCount) more errors"))
    }
  }

  private mutating func add(_ policy: ClusterPolicyObject) -> PolicyReference {
    clusterPolicies.append(policy)
    return policy.reference
  }

  /// The same with what is needed to say lines, which costs as much as reading.
  func withLines() -> PolicyFile {
    var copy = self
    // Where there are problems, nothing else is shown.
    let lastDocument = problems.isEmpty ? nil : problems.compactMap(\.document).max() ?? -1
    let map = SourceMap(bytes: bytes, documentLimit: lastDocument.map { $0 + 1 } ?? .max)
    copy.sourceMap = map
    for index in copy.problems.indices {
      guard problems[index].line == nil, let document = problems[index].document else { continue }
      copy.problems[index].line = map.lines(document: document, path: problems[index].path)?.lowerBound
    }
    return copy
  }

  /// Reads the file; a refused manifest ends the command.
  static func accepted(_ path: String) throws -> PolicyFile {
    let file = try PolicyFile(path).withLines()
    guard let first = file.problems.first else { return file }
    throw Failure(status: .refused, message: "\(path): \(first.text)")
  }

  // MARK: Places

  func lines(_ policy: PolicyReference) -> ClosedRange<Int>? {
    guard let place = places[policy] else { return nil }
    return sourceMap?.lines(document: place.document, path: place.path)
  }

  func lines(_ rule: PolicyRuleReference) -> ClosedRange<Int>? {
    guard let place = places[rule.policy] else { return nil }
    let path = place.path.field("spec").field("\(rule.direction)").item(rule.index)
    return sourceMap?.lines(document: place.document, path: path)
  }

  /// Such as `policies.yaml:12-15`; the file alone where the lines are not known.
  func place(_ rule: PolicyRuleReference) -> String { place(lines(rule)) }
  /// The same for a policy.
  func place(_ policy: PolicyReference) -> String { place(lines(policy)) }

  /// The same for a policy of which the document is known.
  func place(document: Int, path: FieldPath) -> String {
    place(sourceMap?.lines(document: document, path: path))
  }

  private func place(_ lines: ClosedRange<Int>?) -> String {
    guard let lines else { return name }
    return lines.count == 1 ? "\(name):\(lines.lowerBound)" : "\(name):\(lines.lowerBound)-\(lines.upperBound)"
  }
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
