// SPDX-License-Identifier: Apache-2.0

/// How one of the three kinds spells a policy.
///
/// From the definitions of the experimental channel: v0.1.7 for `v1alpha1`, v0.2.0 for `v1alpha2`.
enum ClusterPolicyDialect {
  /// `AdminNetworkPolicy`.
  case admin
  /// `BaselineAdminNetworkPolicy`.
  case baseline
  /// `ClusterNetworkPolicy`.
  case cluster

  /// Whether the kind is one of `v1alpha1`.
  var isFirst: Bool { self != .cluster }
  /// The most rules of a direction, and the most peers or ports of a rule.
  var countLimit: Int { isFirst ? 100 : 25 }
  /// The field of a rule that holds its ports.
  var portsField: String { isFirst ? "ports" : "protocols" }
  /// The field that names a port.
  var namedPortField: String { isFirst ? "namedPort" : "destinationNamedPort" }
  /// The actions of a rule, spelt as the kind does.
  var actions: [(spelling: String, action: ClusterPolicy.Action)] {
    switch self {
    case .admin: [("Allow", .accept), ("Deny", .deny), ("Pass", .pass)]
    case .baseline: [("Allow", .accept), ("Deny", .deny)]
    case .cluster: [("Accept", .accept), ("Deny", .deny), ("Pass", .pass)]
    }
  }

  /// What a peer of a direction may be.
  func peerFields(egress: Bool) -> [String] {
    guard egress else { return ["namespaces", "pods"] }
    return ["namespaces", "pods", "nodes", "networks"] + (self == .baseline ? [] : ["domainNames"])
  }

  /// What a port may be.
  var portFields: [String] {
    isFirst ? ["portNumber", "portRange", "namedPort"] : ["tcp", "udp", "sctp", "destinationNamedPort"]
  }
}

extension TransportProtocol {
  /// The field of a `v1alpha2` port that holds this protocol's ports.
  var fieldName: String { rawValue.lowercased() }
}

/// The largest number of values of a list of networks or names.
let clusterPolicyValueLimit = 25
/// The longest name of a rule, in characters.
let clusterPolicyNameLimit = 100

/// Whether a text is a domain name by the pattern of the definitions: at least two labels, perhaps `*.` before them and
/// a dot behind.
func isDomainNamePattern(_ text: String) -> Bool {
  var bytes = Array(text.utf8)[...]
  if bytes.starts(with: [42, 46]) { bytes = bytes.dropFirst(2) }
  if bytes.last == 46 { bytes = bytes.dropLast() }
  let labels = bytes.split(separator: 46, omittingEmptySubsequences: false)
  return labels.count >= 2 && labels.allSatisfy(isDomainLabelPattern)
}

private func isDomainLabelPattern(_ bytes: ArraySlice<UInt8>) -> Bool {
  let isAlphanumeric: (UInt8) -> Bool = { byte in
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }
  // The pattern writes `A-z` for the first character, which has six more between `Z` and `a`.
  guard let first = bytes.first, isAlphanumeric(first) || (91...96).contains(first) else { return false }
  guard bytes.count > 1, let last = bytes.last else { return true }
  return isAlphanumeric(last) && bytes.dropFirst().allSatisfy { isAlphanumeric($0) || $0 == 45 || $0 == 95 }
}
