// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

extension PolicyCase {
  static var clusterTiers: [PolicyCase] {
    CaseKind.admins.flatMap { adminTier($0) } + CaseKind.baselines.flatMap { baselineTier($0) } + bothTiers
  }

  private static func adminTier(_ kind: CaseKind) -> [PolicyCase] {
    [
      PolicyCase(
        "\(kind.rawValue): tier", "asked before any NetworkPolicy: Deny is final",
        [policy(ingress: [.init()]), kind.policy(ingress: [deny(.anyPod)])],
        ["ops/log > shop/web TCP/1": .deniedIn, "203.0.113.9 > shop/web TCP/1": .allow]),
      PolicyCase(
        "\(kind.rawValue): action", "Accept is final: no NetworkPolicy is asked",
        [policy(types: [.ingress, .egress]), kind.policy(ingress: [accept(.anyPod)])],
        [
          "ops/log > shop/web TCP/1": .allow, "203.0.113.9 > shop/web TCP/1": .deniedIn,
          "shop/web > ops/log TCP/1": .deniedOut,
        ]),
      PolicyCase(
        "\(kind.rawValue): action", "Accept of egress does not waive the destination's own policies",
        [policy("ops/policy"), kind.policy(egress: [accept(.anyPod)])], ["shop/web > ops/log TCP/1": .deniedIn]),
      PolicyCase(
        "\(kind.rawValue): action", "Deny is final: no later rule of any policy is asked",
        [
          kind.policy("first", priority: 1, ingress: [deny(.anyPod, ports: [.tcp(80)]), accept(.anyPod)]),
          kind.policy("second", priority: 2, ingress: [accept(.anyPod)]),
        ],
        ["ops/log > shop/web TCP/80": .deniedIn, "ops/log > shop/web TCP/81": .allow]),
      PolicyCase(
        "\(kind.rawValue): action", "Pass ends the tier: the NetworkPolicies decide",
        [
          policy(ingress: [.init(ports: [.tcp(80)])]),
          kind.policy(
            "first", priority: 1, ingress: [pass(.pods(labels(["app": "web"]), in: everything)), deny(.anyPod)]),
          kind.policy("second", priority: 2, ingress: [deny(.anyPod)]),
        ],
        [
          "ops/probe > shop/db TCP/80": .allow, "ops/probe > shop/db TCP/81": .deniedIn,
          "ops/log > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "\(kind.rawValue): action", "Pass, and nothing after it: allowed",
        [kind.policy(ingress: [pass(.anyPod), deny(.anyPod)])], ["ops/probe > shop/db TCP/80": .allow]),
      PolicyCase(
        "\(kind.rawValue): priority", "the lower number is asked first, in whatever order they are written",
        [
          kind.policy("a", priority: 50, ingress: [deny(.anyPod)]),
          kind.policy("z", priority: 5, ingress: [accept(.anyPod, ports: [.tcp(80)])]),
        ],
        ["ops/probe > shop/db TCP/80": .allow, "ops/probe > shop/db TCP/81": .deniedIn]),
      PolicyCase(
        "\(kind.rawValue): priority", "0 and 1000 are its ends",
        [
          kind.policy("a", priority: 1000, ingress: [deny(.anyPod)]),
          kind.policy("z", priority: 0, ingress: [accept(.pods(labels(["app": "web"]), in: everything))]),
        ],
        ["ops/probe > shop/db TCP/80": .allow, "ops/log > shop/db TCP/80": .deniedIn]),
      PolicyCase(
        "\(kind.rawValue): ingress", "of the rules of a policy the first that matches decides",
        [kind.policy(ingress: [accept(.pods(labels(["app": "web"]), in: everything)), deny(.anyPod)])],
        ["ops/probe > shop/db TCP/80": .allow, "ops/log > shop/db TCP/80": .deniedIn]),
      PolicyCase(
        "\(kind.rawValue): ingress", "a policy without ingress rules does not touch ingress",
        [kind.policy(egress: [deny(.networks("0.0.0.0/0"))])],
        ["ops/log > shop/db TCP/1": .deniedOut, "203.0.113.9 > shop/db TCP/1": .allow]),
      PolicyCase(
        "\(kind.rawValue): egress", "of the rules of a policy the first that matches decides",
        [
          kind.policy(egress: [accept(.networks("203.0.113.9/32")), deny(.networks("203.0.113.0/24"))])
        ],
        [
          "shop/web > 203.0.113.9 TCP/1": .allow, "shop/web > 203.0.113.8 TCP/1": .deniedOut,
          "shop/web > 8.8.8.8 TCP/1": .allow,
        ]),
      PolicyCase(
        "\(kind.rawValue): egress", "a policy without egress rules does not touch egress",
        [kind.policy(ingress: [deny(.anyPod)])],
        ["shop/web > 203.0.113.9 TCP/1": .allow, "shop/web > ops/log TCP/1": .deniedIn]),
      PolicyCase(
        "\(kind.rawValue): tier", "what no rule matches is left to the later tiers",
        [policy(), kind.policy(ingress: [accept(.anyPod, ports: [.tcp(80)])])],
        ["ops/log > shop/db TCP/80": .allow, "ops/log > shop/db TCP/81": .deniedIn, "ops/log > lab/old TCP/81": .allow]),
      PolicyCase(
        "\(kind.rawValue): tier", "a pod under it alone is not isolated",
        [kind.policy(ingress: [accept(.anyPod)])], ["203.0.113.9 > shop/db TCP/80": .allow]),
    ]
  }

  private static func baselineTier(_ kind: CaseKind) -> [PolicyCase] {
    [
      PolicyCase(
        "\(kind.rawValue): tier", "asked where no NetworkPolicy selects the pod",
        [policy("ops/policy", ingress: [.init()]), kind.policy(ingress: [deny(.anyPod)])],
        ["lab/old > shop/web TCP/1": .deniedIn, "lab/old > ops/log TCP/1": .allow]),
      PolicyCase(
        "\(kind.rawValue): tier", "NetworkPolicy is final where it selects: Accept here does not help",
        [policy(), kind.policy(ingress: [accept(.anyPod)])], ["lab/old > shop/web TCP/1": .deniedIn]),
      PolicyCase(
        "\(kind.rawValue): tier", "what no rule matches is allowed",
        [kind.policy(ingress: [deny(.anyPod, ports: [.tcp(80)])])],
        [
          "lab/old > shop/web TCP/80": .deniedIn, "lab/old > shop/web TCP/81": .allow,
          "203.0.113.9 > shop/web TCP/80": .allow,
        ]),
      PolicyCase(
        "\(kind.rawValue): action", "Accept and Deny, in the order of the rules",
        [kind.policy(ingress: [accept(.namespaces(labels(["team": "ops"]))), deny(.anyPod)])],
        ["ops/log > shop/web TCP/80": .allow, "lab/old > shop/web TCP/80": .deniedIn]),
      PolicyCase(
        "\(kind.rawValue): egress", "networks and nodes",
        [
          kind.policy(egress: [
            accept(.networks("203.0.113.0/25")), deny(.networks("203.0.113.0/24"), .nodes(labels(["zone": "b"]))),
          ])
        ],
        [
          "shop/web > 203.0.113.9 TCP/1": .allow, "shop/web > 203.0.113.200 TCP/1": .deniedOut,
          "shop/web > 192.168.0.2 TCP/1": .deniedOut, "shop/web > 192.168.0.1 TCP/1": .allow,
        ]),
    ]
  }

  private static var bothTiers: [PolicyCase] {
    [
      PolicyCase(
        "ClusterNetworkPolicySpec.tier", "Admin, then NetworkPolicy, then Baseline",
        [
          policy("ops/policy", ingress: [.init(ports: [.tcp(81)])]),
          CaseKind.clusterAdmin.policy("admin", ingress: [accept(.anyPod, ports: [.tcp(80)])]),
          CaseKind.clusterBaseline.policy("baseline", ingress: [accept(.anyPod, ports: [.tcp(82)]), deny(.anyPod)]),
        ],
        [
          "lab/old > shop/web TCP/80": .allow, "lab/old > shop/web TCP/82": .allow,
          "lab/old > shop/web TCP/81": .deniedIn,
          "lab/old > ops/log TCP/80": .allow, "lab/old > ops/log TCP/81": .allow, "lab/old > ops/log TCP/82": .deniedIn,
        ]),
      PolicyCase(
        "ClusterNetworkPolicySpec.priority", "it counts within its tier only",
        [
          CaseKind.clusterAdmin.policy("admin", priority: 1000, ingress: [accept(.anyPod)]),
          CaseKind.clusterBaseline.policy("baseline", priority: 0, ingress: [deny(.anyPod)]),
        ],
        ["lab/old > shop/web TCP/80": .allow]),
      PolicyCase(
        "ClusterNetworkPolicySpec.priority", "baseline policies are asked in its order",
        [
          CaseKind.clusterBaseline.policy("a", priority: 9, ingress: [deny(.anyPod)]),
          CaseKind.clusterBaseline.policy("b", priority: 3, ingress: [accept(.namespaces(labels(["team": "ops"])))]),
        ],
        ["ops/log > shop/web TCP/80": .allow, "lab/old > shop/web TCP/80": .deniedIn]),
      PolicyCase(
        "AdminNetworkPolicy: action", "Pass with a baseline that denies, where no NetworkPolicy selects",
        [
          policy("ops/policy", ingress: [.init()]), CaseKind.admin.policy(ingress: [pass(.anyPod), deny(.anyPod)]),
          CaseKind.baseline.policy(ingress: [deny(.anyPod)]),
        ],
        ["lab/old > shop/web TCP/80": .deniedIn, "lab/old > ops/log TCP/80": .allow]),
    ]
  }
}
