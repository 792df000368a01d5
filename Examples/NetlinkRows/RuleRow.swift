// SPDX-License-Identifier: Apache-2.0

package import NetlinkKit
internal import NetworkTypes

/// A routing rule, as `ip -j -d rule` names its fields.
package struct RuleRow: Row {
  let priority: UInt32
  let src: String
  let srclen: Int?
  let dst: String?
  let dstlen: Int?
  let iif: String?
  let oif: String?
  let fwmark: String?
  let fwmask: String?
  let table: String?
  let suppressPrefixlen: UInt32?
  let `protocol`: String
  /// Whether the rule is for what does *not* match; `ip` says it by a key without a value.
  private let isInverted: Bool

  /// Describes a rule.
  package init(_ rule: Rule) {
    func length(_ block: IPCIDR?) -> Int? {
      block.flatMap { $0.prefixLength == $0.family.bitWidth ? nil : $0.prefixLength }
    }
    priority = rule.priority
    src = rule.source.map { "\($0.address)" } ?? "all"
    srclen = length(rule.source)
    dst = rule.destination.map { "\($0.address)" }
    dstlen = length(rule.destination)
    iif = rule.inputInterface?.rawValue
    oif = rule.outputInterface?.rawValue
    fwmark = rule.mark.map { "0x" + String($0, radix: 16) }
    fwmask = rule.markMask.map { "0x" + String($0, radix: 16) }
    table = rule.action == .lookUp ? rule.table.description : nil
    suppressPrefixlen = rule.suppressedPrefixLength
    `protocol` = rule.protocol.description
    isInverted = rule.isInverted
  }

  package static let columns = ["PRIORITY", "FROM", "TO", "IN", "OUT", "MARK", "TABLE", "PROTOCOL"]

  package var cells: [String] {
    func block(_ address: String?, _ length: Int?) -> String { (address ?? "") + (length.map { "/\($0)" } ?? "") }
    return [
      "\(priority)", (isInverted ? "not " : "") + block(src, srclen), block(dst, dstlen), iif ?? "", oif ?? "",
      (fwmark ?? "") + (fwmask.map { "/\($0)" } ?? ""), table ?? "", `protocol`,
    ]
  }

  private enum CodingKeys: String, CodingKey {
    case priority, src, srclen, dst, dstlen, iif, oif, fwmark, fwmask, table, suppressPrefixlen, `protocol`, not
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(priority, forKey: .priority)
    if isInverted { try container.encodeNil(forKey: .not) }
    try container.encode(src, forKey: .src)
    try container.encodeIfPresent(srclen, forKey: .srclen)
    try container.encodeIfPresent(dst, forKey: .dst)
    try container.encodeIfPresent(dstlen, forKey: .dstlen)
    try container.encodeIfPresent(iif, forKey: .iif)
    try container.encodeIfPresent(oif, forKey: .oif)
    try container.encodeIfPresent(fwmark, forKey: .fwmark)
    try container.encodeIfPresent(fwmask, forKey: .fwmask)
    try container.encodeIfPresent(table, forKey: .table)
    try container.encodeIfPresent(suppressPrefixlen, forKey: .suppressPrefixlen)
    try container.encode(`protocol`, forKey: .protocol)
  }
}
