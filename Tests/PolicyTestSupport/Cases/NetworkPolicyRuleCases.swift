// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

extension PolicyCase {
  static var networkPolicyRules: [PolicyCase] {
    [
      PolicyCase(
        "NetworkPolicyIngressRule", "ports and from must both match, of one and the same rule",
        [
          policy(ingress: [
            .init(ports: [.tcp(80)], from: [.pods(labels(["app": "web"]))]),
            .init(ports: [.tcp(443)], from: [.namespaces(labels(["team": "ops"]))]),
          ])
        ],
        [
          "shop/web > shop/db TCP/80": .allow, "shop/web > shop/db TCP/443": .deniedIn,
          "ops/log > shop/db TCP/443": .allow,
          "ops/log > shop/db TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyIngressRule.ports", "one port that matches is enough",
        [policy(ingress: [.init(ports: [.tcp(80), .udp(53), .sctp(9)])])],
        [
          "ops/log > shop/db TCP/80": .allow, "ops/log > shop/db UDP/53": .allow, "ops/log > shop/db SCTP/9": .allow,
          "ops/log > shop/db UDP/80": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyIngressRule.ports", "without ports every port of every protocol matches",
        [policy(ingress: [.init(from: [.pods(labels(["app": "web"]))])])],
        [
          "shop/web > shop/db TCP/1": .allow, "shop/web > shop/db UDP/65535": .allow,
          "shop/web > shop/db SCTP/7": .allow,
          "ops/log > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyIngressRule.from", "one peer that matches is enough",
        [
          policy(ingress: [
            .init(from: [.pods(labels(["app": "web"])), .block("203.0.113.0/24"), .namespaces(labels(["team": "ops"]))])
          ])
        ],
        [
          "shop/web > shop/db TCP/1": .allow, "203.0.113.9 > shop/db TCP/1": .allow, "ops/log > shop/db TCP/1": .allow,
          "lab/old > shop/db TCP/1": .deniedIn, "8.8.8.8 > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyIngressRule.from", "without peers every source matches, pods or not",
        [policy(ingress: [.init(ports: [.tcp(80)])])],
        [
          "lab/old > shop/db TCP/80": .allow, "203.0.113.9 > shop/db TCP/80": .allow,
          "2001:db8::1 > shop/db TCP/80": .allow,
          "lab/old > shop/db TCP/81": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyIngressRule", "a rule without anything allows everything",
        [policy(ingress: [.init()])],
        ["lab/old > shop/db TCP/80": .allow, "2001:db8::1 > shop/web UDP/9": .allow]),
      PolicyCase(
        "NetworkPolicyEgressRule", "ports and to must both match, of one and the same rule",
        [
          policy(
            egress: [
              .init(ports: [.tcp(80)], to: [.pods(labels(["app": "db"]))]),
              .init(ports: [.tcp(443)], to: [.block("203.0.113.0/24")]),
            ], types: [.egress])
        ],
        [
          "shop/web > shop/db TCP/80": .allow, "shop/web > shop/db TCP/443": .deniedOut,
          "shop/web > 203.0.113.9 TCP/443": .allow, "shop/web > 203.0.113.9 TCP/80": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicyEgressRule.ports", "one port that matches is enough; they are ports of the destination",
        [policy(egress: [.init(ports: [.tcp(80), .udp(53)])], types: [.egress])],
        [
          "shop/web > ops/log TCP/80": .allow, "shop/web > 8.8.8.8 UDP/53": .allow,
          "shop/web > 8.8.8.8 TCP/53": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicyEgressRule.ports", "without ports every port of every protocol matches",
        [policy(egress: [.init(to: [.namespaces(labels(["team": "ops"]))])], types: [.egress])],
        [
          "shop/web > ops/log SCTP/80": .allow, "shop/web > ops/probe UDP/5": .allow,
          "shop/web > lab/old UDP/5": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicyEgressRule.to", "one peer that matches is enough",
        [policy(egress: [.init(to: [.block("203.0.113.0/24"), .pods(labels(["app": "db"]))])], types: [.egress])],
        [
          "shop/web > 203.0.113.9 TCP/1": .allow, "shop/web > shop/db TCP/1": .allow,
          "shop/web > ops/log TCP/1": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicyEgressRule.to", "without peers every destination matches",
        [policy(egress: [.init(ports: [.tcp(443)])], types: [.egress])],
        [
          "shop/web > 203.0.113.9 TCP/443": .allow, "shop/web > 2001:db8::1 TCP/443": .allow,
          "shop/web > lab/old TCP/443": .allow,
          "shop/web > lab/old TCP/444": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicyEgressRule", "a rule without anything allows everything",
        [policy(egress: [.init()], types: [.egress])],
        ["shop/web > 203.0.113.9 TCP/443": .allow, "shop/web > ops/log UDP/4": .allow]),
    ]
  }

  static var networkPolicyPorts: [PolicyCase] {
    [
      PolicyCase(
        "NetworkPolicyPort.protocol", "only its own protocol matches",
        [policy(ingress: [.init(ports: [.udp(53)])])],
        [
          "ops/log > shop/db UDP/53": .allow, "ops/log > shop/db TCP/53": .deniedIn,
          "ops/log > shop/db SCTP/53": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.protocol", "TCP where it is missing",
        [policy(ingress: [.init(ports: [NetworkPolicy.Port(port: 53)])])],
        ["ops/log > shop/db TCP/53": .allow, "ops/log > shop/db UDP/53": .deniedIn]),
      PolicyCase(
        "NetworkPolicyPort.protocol", "SCTP is a protocol like the others",
        [policy(ingress: [.init(ports: [.sctp(9000, to: 9010)])])],
        [
          "ops/log > shop/db SCTP/9005": .allow, "ops/log > shop/db TCP/9005": .deniedIn,
          "ops/log > shop/db SCTP/9011": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.port", "a number is that port",
        [policy(ingress: [.init(ports: [.tcp(80)])])],
        [
          "ops/log > shop/db TCP/80": .allow, "ops/log > shop/db TCP/79": .deniedIn,
          "ops/log > shop/db TCP/81": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.port", "the first and the last port there are",
        [policy(ingress: [.init(ports: [.tcp(1), .udp(65535)])])],
        [
          "ops/log > shop/db TCP/1": .allow, "ops/log > shop/db TCP/2": .deniedIn,
          "ops/log > shop/db UDP/65535": .allow,
          "ops/log > shop/db UDP/65534": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.port", "without it every port of the protocol",
        [policy(ingress: [.init(ports: [.udp()])])],
        [
          "ops/log > shop/db UDP/1": .allow, "ops/log > shop/db UDP/65535": .allow,
          "ops/log > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.port", "a name is what the selected pod calls its port (ingress)",
        [policy(ingress: [.init(ports: [.tcp("http")])])],
        [
          "ops/log > shop/web TCP/8080": .allow, "ops/log > shop/web TCP/80": .deniedIn,
          "ops/log > shop/db TCP/8080": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.port", "a name is what the destination calls its port, which differs by pod (egress)",
        [policy("lab/policy", egress: [.init(ports: [.tcp("http")])], types: [.egress])],
        [
          "lab/dual > shop/web TCP/8080": .allow, "lab/dual > ops/probe TCP/8081": .allow,
          "lab/dual > shop/web TCP/8081": .deniedOut, "lab/dual > shop/db TCP/8080": .deniedOut,
        ]),
      PolicyCase(
        "NetworkPolicyPort.port", "a name is of the rule's protocol only",
        [policy(ingress: [.init(ports: [.udp("dns")])])],
        [
          "ops/log > shop/db UDP/53": .allow, "ops/log > shop/db TCP/5353": .deniedIn,
          "ops/log > shop/db UDP/5353": .deniedIn, "ops/log > shop/db TCP/53": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.port", "a name of SCTP",
        [policy(ingress: [.init(ports: [.sctp("sig")])])],
        ["ops/log > shop/db SCTP/9000": .allow, "ops/log > shop/db TCP/9000": .deniedIn]),
      PolicyCase(
        "NetworkPolicyPort.port", "a name that nobody gave matches nothing",
        [policy(ingress: [.init(ports: [.tcp("ghost")])])],
        ["ops/log > shop/db TCP/80": .deniedIn, "ops/log > shop/web TCP/8080": .deniedIn]),
      PolicyCase(
        "NetworkPolicyPort.endPort", "a range includes both its ends",
        [policy(ingress: [.init(ports: [.tcp(8000, to: 8010)])])],
        [
          "ops/log > shop/db TCP/8000": .allow, "ops/log > shop/db TCP/8005": .allow,
          "ops/log > shop/db TCP/8010": .allow,
          "ops/log > shop/db TCP/7999": .deniedIn, "ops/log > shop/db TCP/8011": .deniedIn,
          "ops/log > shop/db UDP/8005": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.endPort", "equal to port it is one port",
        [policy(ingress: [.init(ports: [.tcp(80, to: 80)])])],
        ["ops/log > shop/db TCP/80": .allow, "ops/log > shop/db TCP/81": .deniedIn]),
      PolicyCase(
        "NetworkPolicyPort.endPort", "the whole range of ports",
        [policy(ingress: [.init(ports: [.udp(1, to: 65535)])])],
        [
          "ops/log > shop/db UDP/1": .allow, "ops/log > shop/db UDP/65535": .allow,
          "ops/log > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "NetworkPolicyPort.endPort", "ranges that overlap are joined",
        [policy(ingress: [.init(ports: [.tcp(10, to: 20), .tcp(15, to: 30)]), .init(ports: [.tcp(31)])])],
        [
          "ops/log > shop/db TCP/10": .allow, "ops/log > shop/db TCP/25": .allow, "ops/log > shop/db TCP/31": .allow,
          "ops/log > shop/db TCP/32": .deniedIn,
        ]),
    ]
  }
}
