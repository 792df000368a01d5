// SPDX-License-Identifier: Apache-2.0

package import NetlinkKit
internal import NetworkTypes

/// A neighbour, as `ip -j neigh` names its fields.
package struct NeighbourRow: Row {
  let dst: String
  let dev: String?
  let lladdr: String?
  let state: [String]?
  let `protocol`: String?
  /// `ip` says these by keys without a value.
  private let words: [CodingKeys]

  /// Describes a neighbour.
  package init(_ neighbour: Neighbour, _ names: LinkNames) {
    dst = neighbour.address.description
    dev = names[neighbour.interface]
    lladdr = neighbour.linkLayerAddress?.description
    let states = NeighbourRow.states.filter { neighbour.state.contains($0.state) }.map(\.name)
    state = states.isEmpty ? nil : states
    `protocol` = neighbour.protocol?.description
    words = NeighbourRow.flags.filter { neighbour.flags.contains($0.flag) }.map(\.key)
  }

  package static let columns = ["ADDRESS", "LINK", "LINK-LAYER", "STATE", "FLAGS", "PROTOCOL"]

  package var cells: [String] {
    [
      dst, dev ?? "", lladdr ?? "", state?.joined(separator: ",") ?? "", words.map(\.rawValue).joined(separator: ","),
      `protocol` ?? "",
    ]
  }

  private enum CodingKeys: String, CodingKey {
    case dst, dev, lladdr, state, `protocol`, router, proxy, managed, offload
    case externLearn = "extern_learn"
  }

  private static let flags: [(flag: NeighbourFlags, key: CodingKeys)] = [
    (.router, .router), (.proxy, .proxy), (.managed, .managed), (.externallyLearned, .externLearn),
    (.offloaded, .offload),
  ]

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(dst, forKey: .dst)
    try container.encodeIfPresent(dev, forKey: .dev)
    try container.encodeIfPresent(lladdr, forKey: .lladdr)
    try container.encodeIfPresent(state, forKey: .state)
    try container.encodeIfPresent(`protocol`, forKey: .protocol)
    for word in words { try container.encodeNil(forKey: word) }
  }

  private static let states: [(state: NeighbourState, name: String)] = [
    (.incomplete, "INCOMPLETE"), (.reachable, "REACHABLE"), (.stale, "STALE"), (.delay, "DELAY"), (.probe, "PROBE"),
    (.failed, "FAILED"), (.noARP, "NOARP"), (.permanent, "PERMANENT"),
  ]
}
