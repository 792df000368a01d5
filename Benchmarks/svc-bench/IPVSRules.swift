// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ServiceList

/// kube-proxy's IPVS mode: virtual servers, a set of their addresses, and rules that look into it.
struct IPVSRules {
  let list: ServiceList

  /// For `ipvsadm --restore`.
  var servers: String { list.lines.map(server).joined() }

  /// For `ipset restore`.
  var sets: String {
    var text = "create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 1048576\n"
    text += "create KUBE-LOOP-BACK hash:ip,port,ip family inet hashsize 1024 maxelem 16777216\n"
    for line in list.lines {
      text += "add KUBE-CLUSTER-IP \(line.address),\(IPTablesRules.transport(line)):\(line.port)\n"
    }
    return text
  }

  /// For iptables-restore.
  static let rules = """
    *filter
    :KUBE-FORWARD - [0:0]
    :KUBE-NODE-PORT - [0:0]
    :KUBE-IPVS-FILTER - [0:0]
    -A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
    -A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
    -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
    -A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
    -A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A KUBE-IPVS-FILTER -m set --match-set KUBE-CLUSTER-IP dst,dst -j RETURN
    COMMIT
    *nat
    :KUBE-SERVICES - [0:0]
    :KUBE-NODE-PORT - [0:0]
    :KUBE-POSTROUTING - [0:0]
    :KUBE-MARK-MASQ - [0:0]
    -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
    -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
    -A KUBE-POSTROUTING -m comment --comment "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose" -m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE
    -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
    -A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
    -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
    -A KUBE-SERVICES ! -s 10.0.0.0/8 -m comment --comment "Kubernetes service cluster ip + port for masquerade purpose" -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ
    -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT
    -A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT
    COMMIT

    """

  /// One endpoint of a service anew.
  static func change(of line: ServiceList.Line, at place: Int, from old: ServiceList.Backend) -> String {
    let service = service(line)
    return "-d \(service) -r \(old)\n-a \(service) -r \(line.backends[place]) -m -w 1\n"
  }

  private func server(_ line: ServiceList.Line) -> String {
    let service = Self.service(line)
    return "-A \(service) -s rr\n" + line.backends.map { "-a \(service) -r \($0) -m -w 1\n" }.joined()
  }

  private static func service(_ line: ServiceList.Line) -> String {
    "\(line.protocol == .udp ? "-u" : "-t") \(line.address):\(line.port)"
  }
}
