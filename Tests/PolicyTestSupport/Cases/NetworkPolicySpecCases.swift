// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

extension PolicyCase {
  static var networkPolicySpec: [PolicyCase] {
    [
      PolicyCase(
        "NetworkPolicy", "without policies every connection may be", [],
        [
          "shop/web > shop/db TCP/80": .allow, "ops/log > shop/db UDP/53": .allow,
          "203.0.113.9 > lab/old SCTP/9": .allow,
          "lab/old > 203.0.113.9 TCP/443": .allow, "lab/six > 2001:db8::1 TCP/443": .allow,
        ]),
      PolicyCase(
        "NetworkPolicySpec.podSelector", "the rules are for the pods that it selects, and for no others",
        [policy(for: labels(["app": "db"]))],
        ["shop/web > shop/db TCP/80": .deniedIn, "shop/db > shop/web TCP/80": .allow]),
      PolicyCase(
        "NetworkPolicySpec.podSelector",
        "an empty selector selects every pod of the policy's namespace and none of others",
        [policy()],
        [
          "ops/probe > shop/web TCP/80": .deniedIn, "ops/probe > shop/db TCP/80": .deniedIn,
          "shop/web > ops/probe TCP/80": .allow, "shop/web > lab/old TCP/80": .allow,
        ]),
      PolicyCase(
        "NetworkPolicySpec.podSelector", "pods of other namespaces with the same labels are not selected",
        [policy(for: labels(["app": "web"]))],
        ["lab/old > shop/web TCP/80": .deniedIn, "lab/old > ops/probe TCP/80": .allow]),
      PolicyCase(
        "NetworkPolicySpec.podSelector", "conditions of every kind select",
        [policy(for: condition("tier", .isIn, "back", "middle"))],
        ["ops/log > shop/db TCP/80": .deniedIn, "ops/log > shop/web TCP/80": .allow]),
      PolicyCase(
        "NetworkPolicySpec.podSelector", "the rules of several policies that select a pod are joined",
        [
          policy("shop/one", for: labels(["app": "db"]), ingress: [.init(from: [.pods(labels(["app": "web"]))])]),
          policy("shop/two", ingress: [.init(ports: [.tcp(5432)], from: [.namespaces(labels(["team": "ops"]))])]),
        ],
        [
          "shop/web > shop/db TCP/80": .allow, "ops/log > shop/db TCP/5432": .allow,
          "ops/log > shop/db TCP/80": .deniedIn,
          "shop/db > shop/web TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicySpec.podSelector", "what one policy allows no other takes back",
        [policy("shop/none"), policy("shop/all", ingress: [.init()])],
        ["ops/probe > shop/web TCP/80": .allow, "203.0.113.9 > shop/db UDP/53": .allow]),
      PolicyCase(
        "NetworkPolicySpec.ingress", "a pod that no policy selects takes every connection",
        [policy("ops/policy")], ["203.0.113.9 > shop/web TCP/80": .allow, "203.0.113.9 > ops/log TCP/80": .deniedIn]),
      PolicyCase(
        "NetworkPolicySpec.ingress", "a source on the pod's own node is let in",
        [policy()],
        [
          "192.168.0.1 > shop/web TCP/80": .allow, "fd01::1 > shop/web UDP/1": .allow,
          "192.168.0.2 > shop/web TCP/80": .deniedIn, "192.168.9.2 > shop/db TCP/80": .allow,
        ]),
      PolicyCase(
        "NetworkPolicySpec.ingress", "one rule that matches is enough",
        [
          policy(ingress: [.init(from: [.block("203.0.113.0/24")]), .init(ports: [.udp(53)]), .init(ports: [.tcp(80)])])
        ],
        [
          "203.0.113.9 > shop/web SCTP/4": .allow, "8.8.8.8 > shop/web UDP/53": .allow,
          "8.8.8.8 > shop/web TCP/80": .allow,
          "8.8.8.8 > shop/web TCP/53": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicySpec.ingress", "an empty list isolates the pods and lets nothing in",
        [policy(types: [.ingress])],
        [
          "shop/web > shop/db TCP/80": .deniedIn, "203.0.113.9 > shop/web UDP/53": .deniedIn,
          "shop/web > 203.0.113.9 TCP/80": .allow,
        ]),
      PolicyCase(
        "NetworkPolicySpec.egress", "a pod that no policy selects may connect to everything",
        [policy("ops/policy", types: [.egress])],
        ["shop/web > 203.0.113.9 TCP/80": .allow, "ops/log > 203.0.113.9 TCP/80": .deniedOut]),
      PolicyCase(
        "NetworkPolicySpec.egress", "one rule that matches is enough, of any policy",
        [
          policy("shop/one", egress: [.init(to: [.block("203.0.113.0/24")])], types: [.egress]),
          policy("shop/two", egress: [.init(ports: [.udp(53)])], types: [.egress]),
        ],
        [
          "shop/web > 203.0.113.9 TCP/80": .allow, "shop/web > 8.8.8.8 UDP/53": .allow,
          "shop/web > 8.8.8.8 TCP/80": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicySpec.egress", "an empty list isolates the pods and lets nothing out",
        [policy(types: [.egress])],
        [
          "shop/web > shop/db TCP/80": .deniedOut, "shop/web > 2001:db8::1 TCP/80": .deniedOut,
          "ops/log > shop/web TCP/80": .allow,
        ]),
      PolicyCase(
        "NetworkPolicySpec.policyTypes", "without it a policy is for ingress, and for egress if it has egress rules",
        [policy(egress: [.init(ports: [.tcp(443)])])],
        [
          "ops/log > shop/web TCP/443": .deniedIn, "shop/web > ops/log TCP/443": .allow,
          "shop/web > ops/log TCP/80": .deniedOut, "shop/web > shop/db TCP/80": .denied,
        ]),
      PolicyCase(
        "NetworkPolicySpec.policyTypes", "without it and without egress rules a policy is not for egress",
        [policy(ingress: [.init(ports: [.tcp(443)])])],
        [
          "shop/web > ops/log UDP/1": .allow, "ops/log > shop/web TCP/443": .allow,
          "ops/log > shop/web TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicySpec.policyTypes", "Egress alone: a policy without influence on ingress",
        [policy(egress: [.init(ports: [.tcp(443)])], types: [.egress])],
        [
          "ops/log > shop/web TCP/80": .allow, "shop/web > ops/log TCP/80": .deniedOut,
          "shop/web > ops/log TCP/443": .allow,
        ]),
      PolicyCase(
        "NetworkPolicySpec.policyTypes", "Ingress alone: egress rules have no influence",
        [policy(egress: [.init(ports: [.tcp(443)])], types: [.ingress])],
        ["shop/web > ops/log TCP/80": .allow, "ops/log > shop/web TCP/443": .deniedIn]),
      PolicyCase(
        "NetworkPolicySpec.policyTypes", "Egress alone: ingress rules have no influence",
        [policy(ingress: [.init(ports: [.tcp(443)])], types: [.egress])],
        ["ops/log > shop/web TCP/80": .allow, "shop/web > ops/log TCP/443": .deniedOut]),
      PolicyCase(
        "NetworkPolicySpec.policyTypes", "both, and no rules: nothing in, nothing out",
        [policy(types: [.ingress, .egress])],
        [
          "ops/log > shop/web TCP/80": .deniedIn, "shop/web > ops/log TCP/80": .deniedOut,
          "shop/web > shop/db TCP/80": .denied,
        ]),
      PolicyCase(
        "NetworkPolicy", "isolation is counted for each direction by itself",
        [
          policy("shop/in", ingress: [.init(from: [.namespaces(labels(["team": "ops"]))])], types: [.ingress]),
          policy("shop/out", egress: [.init(to: [.pods(labels(["app": "db"]))])], types: [.egress]),
        ],
        [
          "ops/log > shop/web TCP/80": .allow, "shop/web > shop/db TCP/80": .deniedIn,
          "shop/db > shop/web TCP/80": .denied,
          "shop/web > ops/log TCP/80": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicy", "both ends must allow a connection",
        [
          policy(
            "shop/out", for: labels(["app": "web"]), egress: [.init(to: [.namespaces(labels(["team": "ops"]))])],
            types: [.egress]),
          policy("ops/in", for: labels(["app": "log"]), ingress: [.init(ports: [.tcp(514)])]),
        ],
        [
          "shop/web > ops/log TCP/514": .allow, "shop/web > ops/log TCP/80": .deniedIn,
          "shop/web > ops/probe TCP/80": .allow, "shop/web > lab/old TCP/514": .deniedOut,
          "shop/db > ops/log TCP/80": .deniedIn,
        ]),
    ]
  }
}
