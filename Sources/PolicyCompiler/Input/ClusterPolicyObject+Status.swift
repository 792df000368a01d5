// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// One condition of a policy's status, as Kubernetes has it.
///
/// Kubernetes: `metav1.Condition`; who writes it to the API server adds the time and the observed generation.
public struct PolicyCondition: Hashable, Sendable {
  /// What the condition is about, in one word.
  public var type: String
  /// Whether it holds.
  public var isTrue: Bool
  /// Why, in one word for programs.
  public var reason: String
  /// Why, for people.
  public var message: String

  /// Makes a condition.
  ///
  /// - Parameters:
  ///   - type: what the condition is about.
  ///   - isTrue: whether it holds.
  ///   - reason: why, in one word.
  ///   - message: why, for people.
  public init(type: String, isTrue: Bool, reason: String, message: String) {
    self.type = type
    self.isTrue = isTrue
    self.reason = reason
    self.message = message
  }
}

extension ClusterPolicyObject {
  /// The conditions for the policy's status: `Accepted`, and `FullyEnforced` with a reason where it is not.
  ///
  /// A policy is not fully enforced where a rule has `domainNames`, which match nothing (reason
  /// `DomainNamesNotSupported`), or a peer that this version does not know, which fails closed (reason `UnknownPeer`).
  public var statusConditions: [PolicyCondition] {
    let accepted = PolicyCondition(
      type: "Accepted", isTrue: true, reason: "Accepted", message: "The policy is in force.")
    let limits = enforcementLimits
    guard let first = limits.first else {
      return [
        accepted,
        PolicyCondition(
          type: "FullyEnforced", isTrue: true, reason: "AllRulesEnforced", message: "Every rule is enforced as written."
        ),
      ]
    }
    // An API server takes at most 32 KiB.
    let shown = limits.prefix(20).map { "\($0.path) \($0.message)" }.joined(separator: "; ")
    let rest = limits.count > 20 ? "; and \(limits.count - 20) more" : ""
    return [
      accepted,
      PolicyCondition(type: "FullyEnforced", isTrue: false, reason: first.reason, message: "\(shown)\(rest)."),
    ]
  }

  /// A part of a policy that is not enforced as written.
  public struct EnforcementLimit: Hashable, Sendable {
    /// The field, such as `.spec.egress[0].to[1].domainNames`.
    public var path: String
    /// In one word for programs.
    public var reason: String
    /// What happens instead, for people.
    public var message: String
  }

  /// The parts of the policy that are not enforced as written, in their order.
  public var enforcementLimits: [EnforcementLimit] {
    limits(spec.ingress, "ingress", "from") + limits(spec.egress, "egress", "to")
  }

  private func limits(_ rules: [ClusterPolicy.Rule], _ list: String, _ peers: String) -> [EnforcementLimit] {
    var limits: [EnforcementLimit] = []
    for (index, rule) in rules.enumerated() {
      for (position, peer) in rule.peers.enumerated() {
        let path = ".spec.\(list)[\(index)].\(peers)[\(position)]"
        switch peer {
        case .domainNames:
          limits.append(
            EnforcementLimit(
              path: "\(path).domainNames", reason: "DomainNamesNotSupported",
              message: "is not supported: names of hosts match nothing"))
        case .unknown(let field):
          let effect = rule.action == .accept ? "it matches nothing" : "the rule denies every connection"
          limits.append(
            EnforcementLimit(
              path: "\(path).\(field.prefix(80))", reason: "UnknownPeer",
              message: "is not known to this version: \(effect)"))
        case .namespaces, .pods, .nodes, .networks: break
        }
      }
    }
    return limits
  }
}
