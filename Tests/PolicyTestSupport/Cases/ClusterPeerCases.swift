// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

extension PolicyCase {
  static var clusterSubjects: [PolicyCase] {
    CaseKind.allCases.flatMap { kind in
      [
        PolicyCase(
          "\(kind.rawValue): subject.namespaces", "all pods of the namespaces with the labels",
          [kind.policy(for: .namespaces(labels(["team": "blue"])), ingress: [deny(.anyPod)])],
          [
            "lab/old > shop/web TCP/1": .deniedIn, "lab/old > shop/db TCP/1": .deniedIn,
            "lab/old > ops/log TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): subject.namespaces", "an empty selector is every namespace",
          [kind.policy(ingress: [deny(.anyPod)])],
          [
            "lab/old > shop/web TCP/1": .deniedIn, "shop/web > lab/old TCP/1": .deniedIn,
            "lab/old > ops/log TCP/1": .deniedIn,
          ]),
        PolicyCase(
          "\(kind.rawValue): subject.pods", "the namespace and the pod must both be selected",
          [kind.policy(for: .pods(labels(["app": "web"]), in: labels(["team": "ops"])), ingress: [deny(.anyPod)])],
          [
            "lab/old > ops/probe TCP/1": .deniedIn, "lab/old > ops/log TCP/1": .allow,
            "lab/old > shop/web TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): subject.pods", "empty selectors are every pod of every namespace",
          [kind.policy(for: .pods(everything, in: everything), ingress: [deny(.anyPod)])],
          ["lab/old > ops/probe TCP/1": .deniedIn, "ops/log > lab/old TCP/1": .deniedIn]),
        PolicyCase(
          "\(kind.rawValue): subject", "pods on the host network are not selected",
          [kind.policy(ingress: [deny(.anyPod)], egress: [deny(.networks("0.0.0.0/0"))])],
          [
            "lab/old > ops/host TCP/1": .deniedOut, "lab/six > ops/host TCP/1": .allow,
            "ops/host > 203.0.113.9 TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): from.namespaces", "pods of the namespaces with the labels; no addresses that are not pods",
          [kind.policy(ingress: [deny(.namespaces(labels(["team": "ops"])))])],
          [
            "ops/log > shop/web TCP/1": .deniedIn, "lab/old > shop/web TCP/1": .allow,
            "203.0.113.9 > shop/web TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): from.pods", "the namespace and the pod must both be selected",
          [kind.policy(ingress: [deny(.pods(labels(["app": "web"]), in: labels(["team": "ops"])))])],
          [
            "ops/probe > shop/web TCP/1": .deniedIn, "ops/log > shop/web TCP/1": .allow,
            "shop/web > shop/db TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): from", "one peer that matches is enough",
          [
            kind.policy(ingress: [
              deny(.namespaces(labels(["team": "ops"])), .pods(labels(["app": "six"]), in: everything))
            ])
          ],
          [
            "ops/log > shop/web TCP/1": .deniedIn, "lab/six > shop/web TCP/1": .deniedIn,
            "lab/old > shop/web TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): from", "pods on the host network are not among pods and namespaces",
          [kind.policy(ingress: [deny(.anyPod, .pods(everything, in: everything))])],
          [
            "ops/host > shop/db TCP/1": .allow, "192.168.0.2 > shop/web TCP/1": .allow,
            "ops/log > shop/db TCP/1": .deniedIn,
          ]),
      ]
    }
  }

  static var clusterPeers: [PolicyCase] {
    CaseKind.allCases.flatMap { kind in
      [
        PolicyCase(
          "\(kind.rawValue): to.namespaces", "pods of the namespaces with the labels",
          [kind.policy(egress: [deny(.namespaces(condition("team", .isIn, "ops")))])],
          [
            "shop/web > ops/log TCP/1": .deniedOut, "shop/web > lab/old TCP/1": .allow,
            "shop/web > ops/host TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): to.pods", "the namespace and the pod must both be selected",
          [kind.policy(egress: [deny(.pods(labels(["app": "web"]), in: labels(["team": "ops"])))])],
          ["shop/db > ops/probe TCP/1": .deniedOut, "shop/db > shop/web TCP/1": .allow]),
        PolicyCase(
          "\(kind.rawValue): to.nodes", "addresses of the nodes with the labels",
          [kind.policy(egress: [deny(.nodes(condition("zone", .isNotIn, "a")))])],
          [
            "shop/web > 192.168.0.2 TCP/1": .deniedOut, "lab/six > fd01::2 TCP/1": .deniedOut,
            "shop/web > 192.168.0.1 TCP/1": .allow, "shop/web > ops/host TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): to.nodes", "an empty selector is every node, and nothing else",
          [kind.policy(egress: [deny(.nodes(everything))])],
          [
            "lab/old > 192.168.0.2 TCP/1": .deniedOut, "lab/old > ops/host TCP/1": .deniedOut,
            "lab/old > ops/log TCP/1": .allow, "lab/old > 192.168.0.9 TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): to.networks", "traffic inside of the cluster is compared too",
          [kind.policy(egress: [deny(.networks("10.0.2.0/24", "fd01::/16"))])],
          [
            "shop/web > ops/log TCP/1": .deniedOut, "shop/web > 10.0.2.77 TCP/1": .deniedOut,
            "shop/web > fd01::1 TCP/1": .deniedOut, "shop/web > shop/db TCP/1": .allow,
            "shop/web > fd00::2:5 TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): to.networks", "a rule for pods before it keeps them out of it",
          [kind.policy(egress: [accept(.anyPod), deny(.networks("0.0.0.0/0", "::/0"))])],
          [
            "shop/web > ops/log TCP/1": .allow, "shop/web > 8.8.8.8 TCP/1": .deniedOut,
            "lab/six > 2001:db8::1 TCP/1": .deniedOut,
          ]),
        PolicyCase(
          "\(kind.rawValue): a peer of an unknown kind",
          "in a rule that accepts it matches nothing; the other peers do",
          [
            kind.policy(
              ingress: [accept(.unknown("clouds"), .namespaces(labels(["team": "ops"]))), deny(.anyPod)])
          ],
          [
            "ops/log > shop/web TCP/1": .allow, "lab/old > shop/web TCP/1": .deniedIn,
            "203.0.113.9 > shop/web TCP/1": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): a peer of an unknown kind", "a rule that denies denies everything, on every port",
          [
            kind.policy(
              for: .namespaces(labels(["team": "blue"])), ingress: [deny(.unknown("clouds"), ports: [.tcp(80)])])
          ],
          [
            "203.0.113.9 > shop/web TCP/80": .deniedIn, "203.0.113.9 > shop/web UDP/9": .deniedIn,
            "ops/log > shop/web TCP/1": .deniedIn, "ops/log > lab/old TCP/80": .allow,
          ]),
      ]
    }
      // v1alpha1 has no domainNames in its baseline.
      + CaseKind.allCases.filter { $0 != .baseline }.map { kind in
        PolicyCase(
          "\(kind.rawValue): to.domainNames", "they match nothing",
          [kind.policy(egress: [accept(.domainNames(["example.com"])), deny(.networks("203.0.113.0/24"))])],
          ["shop/web > 203.0.113.9 TCP/443": .deniedOut, "shop/web > 8.8.8.8 TCP/443": .allow])
      }
      + CaseKind.admins.map { kind in
        PolicyCase(
          "\(kind.rawValue): a peer of an unknown kind", "a rule that passes denies everything, on every port",
          [
            kind.policy(
              for: .namespaces(labels(["team": "blue"])), egress: [pass(.anyPod, .unknown("clouds"), ports: [.tcp(80)])]
            )
          ],
          [
            "shop/web > 203.0.113.9 UDP/9": .deniedOut, "shop/web > ops/log TCP/80": .deniedOut,
            "shop/web > 192.168.0.1 TCP/80": .deniedOut, "shop/web > shop/web TCP/80": .allow,
          ])
      }
  }

  static var clusterPorts: [PolicyCase] {
    CaseKind.allCases.flatMap { kind in
      [
        PolicyCase(
          "\(kind.rawValue): ports", "without them every protocol and port matches",
          [kind.policy(ingress: [deny(.anyPod)])],
          [
            "lab/old > shop/db TCP/1": .deniedIn, "lab/old > shop/db UDP/2": .deniedIn,
            "lab/old > shop/db SCTP/3": .deniedIn,
          ]),
        PolicyCase(
          "\(kind.rawValue): ports", "one that matches is enough; each is of its own protocol",
          [kind.policy(ingress: [deny(.anyPod, ports: [.tcp(80), .udp(53), .sctp(9)])])],
          [
            "lab/old > shop/db TCP/80": .deniedIn, "lab/old > shop/db UDP/53": .deniedIn,
            "lab/old > shop/db SCTP/9": .deniedIn,
            "lab/old > shop/db UDP/80": .allow, "lab/old > shop/db TCP/53": .allow, "lab/old > shop/db TCP/9": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): ports", "a range includes both its ends",
          [kind.policy(ingress: [deny(.anyPod, ports: [.tcp(8000...8010)])])],
          [
            "lab/old > shop/db TCP/8000": .deniedIn, "lab/old > shop/db TCP/8010": .deniedIn,
            "lab/old > shop/db TCP/7999": .allow, "lab/old > shop/db TCP/8011": .allow,
            "lab/old > shop/db UDP/8005": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): named port", "what the destination's containers call it, of whatever protocol",
          [kind.policy(ingress: [deny(.anyPod, ports: [.named("dns")])])],
          [
            "lab/old > shop/db UDP/53": .deniedIn, "lab/old > shop/db TCP/5353": .deniedIn,
            "lab/old > shop/db TCP/53": .allow,
            "lab/old > shop/db UDP/5353": .allow, "lab/old > shop/web UDP/53": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): named port", "of egress rules too, by destination",
          [kind.policy(egress: [deny(.anyPod, ports: [.named("http")])])],
          [
            "lab/old > shop/web TCP/8080": .deniedOut, "lab/old > ops/probe TCP/8081": .deniedOut,
            "lab/old > shop/web TCP/8081": .allow, "lab/old > ops/host TCP/8082": .allow,
          ]),
        PolicyCase(
          "\(kind.rawValue): named port", "a name used more than once stands for all of them",
          [kind.policy(ingress: [deny(.anyPod, ports: [.named("many")])])],
          [
            "lab/old > shop/db TCP/7001": .deniedIn, "lab/old > shop/db TCP/7003": .deniedIn,
            "lab/old > shop/db TCP/7002": .allow,
          ]),
      ]
    }
  }
}
