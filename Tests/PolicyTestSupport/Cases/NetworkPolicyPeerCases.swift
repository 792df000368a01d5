// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

extension PolicyCase {
  static var networkPolicyPeers: [PolicyCase] {
    [
      PolicyCase(
        "NetworkPolicyPeer.podSelector", "alone it selects pods of the policy's own namespace",
        [policy(ingress: [.init(from: [.pods(labels(["app": "web"]))])])],
        ["shop/web > shop/db TCP/1": .allow, "ops/probe > shop/db TCP/1": .deniedIn]),
      PolicyCase(
        "NetworkPolicyPeer.podSelector", "there but empty it selects all pods of the policy's own namespace",
        [policy(ingress: [.init(from: [.pods(everything)])])],
        [
          "shop/web > shop/db TCP/1": .allow, "ops/probe > shop/db TCP/1": .deniedIn,
          "203.0.113.9 > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPeer.namespaceSelector", "alone it selects all pods of the namespaces with the labels",
        [policy(ingress: [.init(from: [.namespaces(labels(["team": "ops"]))])])],
        [
          "ops/probe > shop/db TCP/1": .allow, "ops/log > shop/db TCP/1": .allow, "shop/web > shop/db TCP/1": .deniedIn,
          "lab/old > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPeer.namespaceSelector", "there but empty it selects all pods of all namespaces",
        [policy(ingress: [.init(from: [.namespaces(everything)])])],
        [
          "shop/web > shop/db TCP/1": .allow, "lab/old > shop/db TCP/1": .allow,
          "203.0.113.9 > shop/db TCP/1": .deniedIn,
          "192.168.0.1 > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPeer.namespaceSelector", "a namespace without labels is selected by what asks for none",
        [policy(ingress: [.init(from: [.namespaces(condition("team", .doesNotExist))])])],
        ["lab/old > shop/db TCP/1": .allow, "ops/log > shop/db TCP/1": .deniedIn]),
      PolicyCase(
        "NetworkPolicyPeer", "with both selectors: the pods selected, in the namespaces selected",
        [policy(ingress: [.init(from: [.pods(labels(["app": "web"]), in: labels(["team": "ops"]))])])],
        [
          "ops/probe > shop/db TCP/1": .allow, "ops/log > shop/db TCP/1": .deniedIn,
          "shop/web > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPeer", "two peers of one selector each are not one peer of two",
        [
          policy(ingress: [.init(from: [.pods(labels(["app": "web"])), .namespaces(labels(["team": "ops"]))])])
        ],
        ["ops/log > shop/db TCP/1": .allow, "shop/web > shop/db TCP/1": .allow, "lab/old > shop/db TCP/1": .deniedIn]),
      PolicyCase(
        "NetworkPolicyPeer.podSelector", "destinations of an egress rule are selected the same way",
        [policy("lab/policy", egress: [.init(to: [.pods(condition("app", .isIn, "dual", "six"))])], types: [.egress])],
        [
          "lab/old > lab/dual TCP/1": .allow, "lab/dual > lab/six TCP/1": .allow,
          "lab/dual > lab/old TCP/1": .deniedOut,
          "lab/dual > shop/web TCP/1": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicyPeer.ipBlock", "the addresses of the block",
        [policy(ingress: [.init(from: [.block("203.0.113.0/25")])])],
        [
          "203.0.113.0 > shop/db TCP/1": .allow, "203.0.113.127 > shop/db TCP/1": .allow,
          "203.0.113.128 > shop/db TCP/1": .deniedIn, "203.0.112.255 > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPeer.ipBlock", "destinations of an egress rule",
        [policy(egress: [.init(to: [.block("203.0.113.0/25")])], types: [.egress])],
        ["shop/web > 203.0.113.9 TCP/1": .allow, "shop/web > 203.0.113.200 TCP/1": .deniedOut]),
      PolicyCase(
        "IPBlock.cidr", "IPv6",
        [policy(ingress: [.init(from: [.block("2001:db8::/65")])])],
        [
          "2001:db8::1 > shop/db TCP/1": .allow, "2001:db8:0:0:7fff::1 > shop/db TCP/1": .allow,
          "2001:db8:0:0:8000::1 > shop/db TCP/1": .deniedIn, "203.0.113.9 > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "IPBlock.cidr", "one address, and every address of a family",
        [
          policy("shop/one", for: labels(["app": "db"]), ingress: [.init(from: [.block("203.0.113.9/32")])]),
          policy("shop/all", for: labels(["app": "web"]), ingress: [.init(from: [.block("0.0.0.0/0")])]),
        ],
        [
          "203.0.113.9 > shop/db TCP/1": .allow, "203.0.113.8 > shop/db TCP/1": .deniedIn,
          "8.8.8.8 > shop/web TCP/1": .allow,
          "2001:db8::1 > shop/web TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "IPBlock.cidr", "bits after the prefix do not count",
        [policy(ingress: [.init(from: [.block("203.0.113.77/24")])])],
        ["203.0.113.1 > shop/db TCP/1": .allow, "203.0.114.77 > shop/db TCP/1": .deniedIn]),
      PolicyCase(
        "IPBlock.except", "a hole in the block does not match",
        [policy(ingress: [.init(from: [.block("203.0.113.0/24", except: "203.0.113.128/25", "203.0.113.7/32")])])],
        [
          "203.0.113.9 > shop/db TCP/1": .allow, "203.0.113.7 > shop/db TCP/1": .deniedIn,
          "203.0.113.128 > shop/db TCP/1": .deniedIn, "203.0.113.127 > shop/db TCP/1": .allow,
        ]),
      PolicyCase(
        "IPBlock.except", "IPv6",
        [policy(ingress: [.init(from: [.block("::/0", except: "2001:db8::/32")])])],
        ["2001:db8::1 > shop/db TCP/1": .deniedIn, "2001:db9::1 > shop/db TCP/1": .allow]),
      PolicyCase(
        "IPBlock.except", "a hole belongs to its block: another peer may allow what is in it",
        [
          policy(ingress: [
            .init(from: [.block("203.0.113.0/24", except: "203.0.113.128/25"), .block("203.0.113.200/32")])
          ])
        ],
        ["203.0.113.200 > shop/db TCP/1": .allow, "203.0.113.201 > shop/db TCP/1": .deniedIn]),
    ]
  }
}
