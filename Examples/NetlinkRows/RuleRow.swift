// SPDX-License-Identifier: Apache-2.0

package import NetlinkKit
internal import NetworkTypes

/// A routing rule, as `ip -j -d rule` names its fields.
package struct RuleRow: Row {
  /// A field: its name for `ip`, and what is in it; nil for one that is there without a value.
  private enum Value: Encodable {
    case number(UInt64), text(String), nothing

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .text(let text): try container.encode(text)
      case .nothing: try container.encodeNil()
      }
    }
  }

  private let fields: [(name: String, value: Value)]

  /// Describes a rule.
  package init(_ rule: Rule) {
    var fields: [(name: String, value: Value)] = []
    func add(_ name: String, _ text: String?) { if let text { fields.append((name, .text(text))) } }
    func add(_ name: String, _ number: UInt64?) { if let number { fields.append((name, .number(number))) } }
    func add(_ name: String, if condition: Bool) { if condition { fields.append((name, .nothing)) } }
    func add(_ name: String, _ range: ClosedRange<UInt16>?) {
      guard let range else { return }
      guard range.count > 1 else { return add(name, UInt64(range.lowerBound)) }
      add(name + "_start", UInt64(range.lowerBound))
      add(name + "_end", UInt64(range.upperBound))
    }
    func length(_ block: IPCIDR?) -> UInt64? {
      block.flatMap { $0.prefixLength == $0.family.bitWidth ? nil : UInt64($0.prefixLength) }
    }
    func hexadecimal(_ number: UInt32?) -> String? { number.map { $0 == 0 ? "0" : "0x" + String($0, radix: 16) } }
    add("priority", UInt64(rule.priority))
    add("not", if: rule.isInverted)
    add("src", rule.source.map { "\($0.address)" } ?? "all")
    add("srclen", length(rule.source))
    add("dst", rule.destination.map { "\($0.address)" })
    add("dstlen", length(rule.destination))
    add("tos", rule.typeOfService == 0 ? nil : hexadecimal(UInt32(rule.typeOfService)))
    add("fwmark", hexadecimal(rule.mark))
    add("fwmask", hexadecimal(rule.markMask))
    add("iif", rule.inputInterface?.rawValue)
    add("iif_detached", if: rule.isInputInterfaceMissing)
    add("oif", rule.outputInterface?.rawValue)
    add("oif_detached", if: rule.isOutputInterfaceMissing)
    add("l3mdev", if: rule.usesVRFTable)
    add("uid_start", (rule.userIDs?.lowerBound).map { UInt64($0) })
    add("uid_end", (rule.userIDs?.upperBound).map { UInt64($0) })
    add("ipproto", rule.ipProtocol.map { RuleRow.protocols[$0] ?? "\($0.rawValue)" })
    add("sport", rule.sourcePorts)
    add("dport", rule.destinationPorts)
    add("tun_id", rule.tunnelID)
    add("table", rule.action == .lookUp && !rule.usesVRFTable ? rule.table.description : nil)
    add("suppress_prefixlen", rule.suppressedPrefixLength.map { UInt64($0) })
    add("suppress_ifgroup", rule.suppressedGroup?.description)
    if let realms = rule.realms {
      add("flow_from", realms >> 16 == 0 ? nil : "\(realms >> 16)")
      add("flow_to", "\(realms & 0xffff)")
    }
    add("goto", rule.target.map { UInt64($0) })
    add("unresolved", if: rule.isTargetMissing)
    add("nop", if: rule.action == .none)
    add("action", RuleRow.actions[rule.action])
    add("protocol", rule.protocol.description)
    self.fields = fields
  }

  private static let protocols: [IPProtocol: String] = [
    .tcp: "tcp", .udp: "udp", .icmp: "icmp", .icmpv6: "ipv6-icmp", .sctp: "sctp",
  ]

  private static let actions: [RuleAction: String] = [
    .blackhole: "blackhole", .unreachable: "unreachable", .prohibit: "prohibit",
  ]

  package static let columns = ["PRIORITY", "FROM", "TO", "IN", "OUT", "MARK", "MORE", "TABLE", "PROTOCOL"]

  package var cells: [String] {
    var rest = fields
    func take(_ name: String) -> String? {
      guard let place = rest.firstIndex(where: { $0.name == name }) else { return nil }
      return RuleRow.text(rest.remove(at: place).value)
    }
    func pair(_ first: String, _ second: String) -> String {
      (take(first) ?? "") + (take(second).map { "/\($0)" } ?? "")
    }
    let known = [
      take("priority") ?? "", (take("not").map { _ in "not " } ?? "") + pair("src", "srclen"), pair("dst", "dstlen"),
      take("iif") ?? "", take("oif") ?? "", pair("fwmark", "fwmask"),
    ]
    let last = [take("table") ?? "", take("protocol") ?? ""]
    let more = rest.map { [$0.name, RuleRow.text($0.value)].filter { !$0.isEmpty }.joined(separator: " ") }
    return known + [more.joined(separator: " ")] + last
  }

  private static func text(_ value: Value) -> String {
    switch value {
    case .number(let number): "\(number)"
    case .text(let text): text
    case .nothing: ""
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.value) }))
  }
}
