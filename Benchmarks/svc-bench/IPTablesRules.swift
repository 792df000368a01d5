// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ServiceList

/// The rules of kube-proxy's iptables mode, as text for iptables-restore.
///
/// The structure is kube-proxy's: KUBE-SERVICES has a rule for each service port, which jumps to a chain of the service,
/// which jumps to a chain of an endpoint by chance. The names have the length of its hashes.
struct IPTablesRules {
  /// Pods: whoever is elsewhere is masqueraded.
  static let podRange = "10.0.0.0/8"

  let list: ServiceList

  /// Everything, for a namespace without rules.
  var all: String { Self.filterTable + "*nat\n" + chains(of: list.lines) + Self.natHooks + serviceRules + "COMMIT\n" }

  /// One service anew: as kube-proxy does since 1.27, with all of KUBE-SERVICES and the chains of the service alone.
  ///
  /// - Parameters:
  ///   - line: The service, as it is in the list now.
  ///   - gone: The endpoint whose chain goes; nil for none.
  /// - Returns: For iptables-restore.
  func change(of line: ServiceList.Line, removing gone: Int?) -> String {
    var text = "*nat\n" + Self.natChains
    if let gone { text += ":\(Self.endpointChain(line, gone)) - [0:0]\n" }
    text += chains(of: [line], isWhole: false) + serviceDispatch + rules(of: line)
    if let gone { text += "-X \(Self.endpointChain(line, gone))\n" }
    return text + "COMMIT\n"
  }

  private static let filterTable = """
    *filter
    :KUBE-NODEPORTS - [0:0]
    :KUBE-SERVICES - [0:0]
    :KUBE-EXTERNAL-SERVICES - [0:0]
    :KUBE-FIREWALL - [0:0]
    :KUBE-FORWARD - [0:0]
    :KUBE-PROXY-FIREWALL - [0:0]
    -A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
    -A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
    -A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
    -A INPUT -j KUBE-FIREWALL
    -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
    -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
    -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
    -A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
    -A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A OUTPUT -j KUBE-FIREWALL
    -A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
    -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
    -A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
    -A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    COMMIT

    """

  private static let natChains = """
    :KUBE-NODEPORTS - [0:0]
    :KUBE-SERVICES - [0:0]
    :KUBE-POSTROUTING - [0:0]
    :KUBE-MARK-MASQ - [0:0]

    """

  /// Rules of KUBE-POSTROUTING and KUBE-MARK-MASQ, which each sync writes anew.
  private static let natMasquerade = """
    -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
    -A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
    -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
    -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000

    """

  private static let natHooks = """
    -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING

    """

  private func chains(of lines: [ServiceList.Line], isWhole: Bool = true) -> String {
    var text = isWhole ? Self.natChains : ""
    for line in lines {
      text += ":\(Self.serviceChain(line)) - [0:0]\n"
      for backend in line.backends.indices { text += ":\(Self.endpointChain(line, backend)) - [0:0]\n" }
    }
    return text
  }

  private var serviceRules: String {
    var text = serviceDispatch
    for line in list.lines { text += rules(of: line) }
    return text
  }

  /// Rules of the chains that every sync writes.
  private var serviceDispatch: String {
    var text = Self.natMasquerade
    for line in list.lines {
      text +=
        "-A KUBE-SERVICES -m comment --comment \"\(Self.name(line)) cluster IP\" \(Self.match(line)) "
        + "-j \(Self.serviceChain(line))\n"
    }
    return text
      + "-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this "
      + "chain\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n"
  }

  private func rules(of line: ServiceList.Line) -> String {
    let (name, chain) = (Self.name(line), Self.serviceChain(line))
    var text =
      "-A \(chain) -m comment --comment \"\(name) cluster IP\" \(Self.match(line)) ! -s \(Self.podRange) "
      + "-j KUBE-MARK-MASQ\n"
    for (place, backend) in line.backends.enumerated() {
      let left = line.backends.count - place
      let chance = left > 1 ? "-m statistic --mode random --probability \(Self.probability(1, of: left)) " : ""
      text +=
        "-A \(chain) -m comment --comment \"\(name) -> \(backend)\" \(chance)-j \(Self.endpointChain(line, place))\n"
    }
    for (place, backend) in line.backends.enumerated() {
      let chain = Self.endpointChain(line, place)
      text += "-A \(chain) -m comment --comment \"\(name)\" -s \(backend.address) -j KUBE-MARK-MASQ\n"
      text +=
        "-A \(chain) -m comment --comment \"\(name)\" -m \(Self.transport(line)) -p \(Self.transport(line)) "
        + "-j DNAT --to-destination \(backend)\n"
    }
    return text
  }

  private static func match(_ line: ServiceList.Line) -> String {
    "-m \(transport(line)) -p \(transport(line)) -d \(line.address) --dport \(line.port)"
  }

  static func transport(_ line: ServiceList.Line) -> String { line.protocol == .udp ? "udp" : "tcp" }

  static func name(_ line: ServiceList.Line) -> String { "default/svc-\(line.index):\(transport(line))" }

  private static func serviceChain(_ line: ServiceList.Line) -> String {
    "KUBE-SVC-" + padded(line.index, 15, line.protocol == .udp ? "U" : "T")
  }

  private static func endpointChain(_ line: ServiceList.Line, _ place: Int) -> String {
    "KUBE-SEP-" + padded(line.index * 1000 + place, 15, line.protocol == .udp ? "U" : "T")
  }

  static func padded(_ number: Int, _ width: Int, _ prefix: String = "") -> String {
    let digits = "\(number)"
    return prefix + String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// A fraction with ten digits.
  private static func probability(_ part: Int, of whole: Int) -> String {
    "0." + padded(part * 10_000_000_000 / whole, 10)
  }
}
