// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import PolicyCompiler

extension PolicyCase {
  /// Where the documentation of the API leaves room; numbered as in the format of `policyc eval`.
  static var conventions: [PolicyCase] {
    let closed = policy(types: [.ingress, .egress])
    return [
      PolicyCase(
        "Convention 1", "a pod reaches itself, whatever the policies say",
        [
          closed,
          CaseKind.clusterAdmin.policy(ingress: [deny(.anyPod)], egress: [deny(.networks("0.0.0.0/0", "::/0"))]),
        ],
        [
          "shop/web > shop/web TCP/1": .allow, "10.0.1.5 > shop/web UDP/2": .allow,
          "shop/web > fd00::1:5 TCP/3": .allow,
          "fd00::1:5 > fd00::1:5 SCTP/4": .allow, "shop/web > shop/db TCP/1": .denied,
        ]),
      PolicyCase(
        "Convention 2", "no policy selects a pod on the host network",
        [policy("ops/policy", types: [.ingress, .egress])],
        [
          "203.0.113.9 > ops/host TCP/1": .allow, "ops/host > 203.0.113.9 TCP/1": .allow,
          "203.0.113.9 > ops/log TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "Convention 2", "no selector of a peer matches a pod on the host network",
        [policy(for: labels(["app": "db"]), ingress: [.init(from: [.pods(labels(["app": "web"]), in: everything)])])],
        [
          "ops/host > shop/db TCP/1": .deniedIn, "ops/probe > shop/db TCP/1": .allow,
          "192.168.0.1 > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "Convention 2", "a pod on the host network is its address",
        [policy(for: labels(["app": "db"]), ingress: [.init(from: [.block("192.168.0.1/32")])])],
        [
          "ops/host > shop/db TCP/1": .allow, "192.168.0.1 > shop/db TCP/1": .allow,
          "192.168.0.2 > shop/db TCP/1": .allow, "192.168.0.3 > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "Convention 2", "a pod on the host network has no named ports",
        [policy("lab/policy", egress: [.init(ports: [.tcp("http")])], types: [.egress])],
        ["lab/dual > ops/host TCP/8082": .deniedOut, "lab/dual > ops/probe TCP/8081": .allow]),
      PolicyCase(
        "Convention 3",
        "NetworkPolicy does not restrict a pod and its own node, in both directions, at any of its addresses",
        [closed],
        [
          "192.168.0.1 > shop/web TCP/1": .allow, "shop/web > 192.168.0.1 TCP/1": .allow,
          "shop/web > fd01::1 UDP/1": .allow,
          "shop/db > 192.168.9.2 TCP/1": .allow, "192.168.9.2 > shop/db TCP/1": .allow,
          "ops/host > shop/web TCP/1": .allow,
          "192.168.0.2 > shop/web TCP/1": .deniedIn, "shop/web > 192.168.0.2 TCP/1": .deniedOut,
        ]),
      PolicyCase(
        "Convention 3", "switched off, a node is like any other address", [closed],
        ["192.168.0.1 > shop/web TCP/1": .deniedIn, "shop/web > 192.168.0.1 TCP/1": .deniedOut]
      ).with(options: PolicyOptions(allowsOwnNode: false)),
      PolicyCase(
        "Convention 3", "policies of the admin tier do restrict a pod and its own node",
        [closed, CaseKind.clusterAdmin.policy(egress: [deny(.nodes(everything), ports: [.tcp(22)])])],
        ["shop/web > 192.168.0.1 TCP/22": .deniedOut, "shop/web > 192.168.0.1 TCP/80": .allow]),
      PolicyCase(
        "Convention 3", "policies of the baseline tier do where no NetworkPolicy selects the pod",
        [policy("ops/policy", types: [.egress]), CaseKind.clusterBaseline.policy(egress: [deny(.nodes(everything))])],
        ["shop/web > 192.168.0.1 TCP/22": .deniedOut, "ops/log > 192.168.0.1 TCP/22": .allow]),
      PolicyCase(
        "Convention 4", "ipBlock compares addresses of pods and nodes too",
        [
          policy(
            for: labels(["app": "db"]),
            ingress: [.init(from: [.block("10.0.2.0/24"), .block("192.168.0.0/24", except: "192.168.0.7/32")])])
        ],
        [
          "ops/log > shop/db TCP/1": .allow, "10.0.2.5 > shop/db TCP/1": .allow, "192.168.0.1 > shop/db TCP/1": .allow,
          "shop/web > shop/db TCP/1": .deniedIn, "192.168.0.7 > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "Convention 4", "a pod's address in a hole does not match the block, whatever its labels",
        [policy(for: labels(["app": "db"]), ingress: [.init(from: [.block("10.0.0.0/8", except: "10.0.2.0/24")])])],
        ["shop/web > shop/db TCP/1": .allow, "ops/log > shop/db TCP/1": .deniedIn]),
      PolicyCase(
        "Convention 4", "a block never matches the other family",
        [policy(for: labels(["app": "db"]), ingress: [.init(from: [.block("0.0.0.0/0")])])],
        [
          "10.0.1.5 > shop/db TCP/1": .allow, "fd00::1:5 > shop/db TCP/1": .deniedIn,
          "lab/six > shop/db TCP/1": .deniedIn,
        ]),
      PolicyCase(
        "Convention 5", "nodes compares the addresses of the nodes selected",
        [CaseKind.clusterAdmin.policy(egress: [deny(.nodes(labels(["zone": "b"])))])],
        [
          "shop/web > 192.168.0.2 TCP/1": .deniedOut, "shop/web > fd01::2 TCP/1": .deniedOut,
          "shop/web > 192.168.9.2 TCP/1": .deniedOut, "shop/web > 192.168.0.1 TCP/1": .allow,
          "shop/web > ops/host TCP/1": .allow, "shop/web > ops/probe TCP/1": .allow,
        ]),
      PolicyCase(
        "Convention 6", "a name that a pod uses more than once stands for all of them",
        [policy(ingress: [.init(ports: [.tcp("many")])])],
        [
          "ops/log > shop/db TCP/7001": .allow, "ops/log > shop/db TCP/7003": .allow,
          "ops/log > shop/db TCP/7002": .deniedIn,
        ]),
      PolicyCase(
        "Convention 6", "a name matches nothing where the destination is no pod",
        [policy(egress: [.init(ports: [.tcp("http")])], types: [.egress])],
        ["shop/web > 203.0.113.9 TCP/8080": .deniedOut, "shop/db > shop/web TCP/8080": .allow]),
      PolicyCase(
        "Convention 7",
        "the NetworkPolicy tier decides in the directions of its policies; the baseline tier in the others",
        [
          policy(ingress: [.init(ports: [.tcp(80)])], types: [.ingress]),
          CaseKind.clusterBaseline.policy(ingress: [deny(.anyPod)], egress: [deny(.networks("203.0.113.0/24"))]),
        ],
        [
          "lab/old > shop/web TCP/80": .allow, "lab/old > shop/web TCP/81": .deniedIn,
          "shop/web > 203.0.113.9 TCP/80": .deniedOut,
          "shop/web > 8.8.8.8 TCP/80": .allow, "shop/web > lab/old TCP/80": .deniedIn,
        ]),
      PolicyCase(
        "Convention 8", "Pass in the baseline tier allows the connection",
        [
          CaseKind.clusterBaseline.policy(
            "first", priority: 1, ingress: [pass(.pods(labels(["app": "web"]), in: everything))]),
          CaseKind.clusterBaseline.policy("second", priority: 2, ingress: [deny(.anyPod)]),
        ],
        ["ops/probe > shop/db TCP/1": .allow, "ops/log > shop/db TCP/1": .deniedIn]),
      PolicyCase(
        "Convention 9", "domainNames match nothing",
        [
          CaseKind.clusterAdmin.policy(egress: [
            accept(.domainNames(["*.example.com"])), deny(.networks("0.0.0.0/0")),
          ])
        ],
        ["shop/web > 203.0.113.9 TCP/443": .deniedOut, "shop/web > 2001:db8::1 TCP/443": .allow]),
      PolicyCase(
        "Address selection", "the destination's first address counts for which the source has one of its family",
        [policy("lab/policy", for: labels(["app": "dual"]), ingress: [.init(from: [.block("10.0.0.0/8")])])],
        [
          "shop/web > lab/dual TCP/1": .deniedIn, "ops/log > lab/dual TCP/1": .allow,
          "shop/web > 10.0.3.9 TCP/1": .allow,
          "10.0.1.5 > lab/dual TCP/1": .allow,
        ]),
      PolicyCase(
        "Address selection", "an address of a pod is that pod, a neighbouring one is not",
        [policy(ingress: [.init(from: [.pods(labels(["app": "web"]))])])],
        [
          "10.0.1.5 > 10.0.1.6 TCP/1": .allow, "10.0.1.7 > 10.0.1.6 TCP/1": .deniedIn,
          "10.0.1.7 > 10.0.1.8 TCP/1": .allow,
        ]),
      PolicyCase(
        "NetworkPolicy.metadata", "a policy of a namespace that the cluster does not have selects nothing",
        [policy("nowhere/policy", types: [.ingress, .egress])], ["shop/web > shop/db TCP/1": .allow]),
      PolicyCase(
        "NetworkPolicy.metadata", "of two policies with one name the later counts",
        [policy("shop/same"), policy("shop/same", ingress: [.init(ports: [.tcp(80)])])],
        ["ops/log > shop/web TCP/80": .allow, "ops/log > shop/web TCP/81": .deniedIn]),
    ]
  }

  /// Protocols without ports.
  static var otherProtocols: [PolicyCase] {
    [
      PolicyCase(
        "NetworkPolicyIngressRule.ports", "protocols without ports are matched by rules without ports",
        [policy(ingress: [.init(ports: [.tcp(), .udp(), .sctp()]), .init(from: [.block("203.0.113.0/24")])])],
        [
          "203.0.113.9 > shop/db ICMP": .allow, "203.0.113.9 > shop/db GRE": .allow,
          "8.8.8.8 > shop/db ICMP": .deniedIn,
          "2001:db8::1 > shop/db ICMPv6": .deniedIn,
        ]),
      PolicyCase(
        "ClusterNetworkPolicyEgressPeer.networks", "a rule without protocols matches ICMP too",
        [
          CaseKind.clusterAdmin.policy(egress: [
            deny(.networks("203.0.113.0/24")), deny(.networks("8.0.0.0/8"), ports: [.tcp(1...65535)]),
          ])
        ],
        [
          "shop/web > 203.0.113.9 ICMP": .deniedOut, "shop/web > 8.8.8.8 ICMP": .allow,
          "shop/web > 8.8.8.8 TCP/9": .deniedOut,
        ]),
    ]
  }
}
