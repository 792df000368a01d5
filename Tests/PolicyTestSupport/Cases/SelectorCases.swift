// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

extension PolicyCase {
  /// A policy that lets in TCP from all pods that a selector selects, whatever their namespace.
  private static func from(_ selector: LabelSelector) -> [CasePolicy] {
    [policy(for: labels(["app": "db"]), ingress: [.init(from: [.pods(selector, in: everything)])])]
  }

  static var selectors: [PolicyCase] {
    [
      PolicyCase(
        "LabelSelector", "without conditions it selects everything, pods without labels too", from(everything),
        [
          "shop/web > shop/db TCP/80": .allow, "lab/old > shop/db TCP/80": .allow,
          "203.0.113.9 > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "LabelSelector.matchLabels", "a label must be there with exactly the value", from(labels(["app": "web"])),
        [
          "shop/web > shop/db TCP/80": .allow, "ops/log > shop/db TCP/80": .deniedIn,
          "lab/old > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "LabelSelector.matchLabels", "an empty value is a value, not a label that is missing",
        from(labels(["tier": ""])),
        [
          "lab/six > shop/db TCP/80": .allow, "lab/old > shop/db TCP/80": .deniedIn,
          "shop/web > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "LabelSelector.matchLabels", "several labels must all be there", from(labels(["app": "web", "tier": "front"])),
        ["shop/web > shop/db TCP/80": .allow, "ops/probe > shop/db TCP/80": .deniedIn]),
      PolicyCase(
        "LabelSelector", "matchLabels and matchExpressions must both hold",
        from(
          LabelSelector(
            matchLabels: ["app": "web"], matchExpressions: [.init(key: "tier", operator: .doesNotExist)])),
        [
          "ops/probe > shop/db TCP/80": .allow, "shop/web > shop/db TCP/80": .deniedIn,
          "lab/old > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "LabelSelector.matchExpressions", "several conditions must all hold",
        from(
          LabelSelector(matchExpressions: [
            .init(key: "app", operator: .exists), .init(key: "app", operator: .isNotIn, values: ["log"]),
          ])),
        [
          "shop/web > shop/db TCP/80": .allow, "ops/log > shop/db TCP/80": .deniedIn,
          "lab/old > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "LabelSelectorRequirement.operator", "In: the label is there and has one of the values",
        from(condition("app", .isIn, "log", "six")),
        [
          "ops/log > shop/db TCP/80": .allow, "lab/six > shop/db TCP/80": .allow,
          "shop/web > shop/db TCP/80": .deniedIn, "lab/old > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "LabelSelectorRequirement.operator", "NotIn: the label has none of the values, or is missing",
        from(condition("app", .isNotIn, "web", "db")),
        [
          "ops/log > shop/db TCP/80": .allow, "lab/old > shop/db TCP/80": .allow,
          "shop/web > shop/db TCP/80": .deniedIn, "ops/probe > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "LabelSelectorRequirement.operator", "Exists: the label is there, whatever its value",
        from(condition("tier", .exists)),
        [
          "shop/web > shop/db TCP/80": .allow, "lab/six > shop/db TCP/80": .allow,
          "ops/probe > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "LabelSelectorRequirement.operator", "DoesNotExist: the label is missing",
        from(condition("tier", .doesNotExist)),
        [
          "ops/probe > shop/db TCP/80": .allow, "lab/old > shop/db TCP/80": .allow,
          "lab/six > shop/db TCP/80": .deniedIn,
        ]),
    ]
  }
}
