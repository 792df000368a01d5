// SPDX-License-Identifier: Apache-2.0

package import NetlinkKit
internal import NetworkTypes

/// A neighbour, as `ip -j neigh` names its fields.
package struct NeighbourRow: Row {
  let dst: String
  let dev: String?
  let lladdr: String?
  let state: [String]?

  /// Describes a neighbour.
  package init(_ neighbour: Neighbour, _ names: LinkNames) {
    dst = neighbour.address.description
    dev = names[neighbour.interface]
    lladdr = neighbour.linkLayerAddress?.description
    let states = NeighbourRow.states.filter { neighbour.state.contains($0.state) }.map(\.name)
    state = states.isEmpty ? nil : states
  }

  package static let columns = ["ADDRESS", "LINK", "LINK-LAYER", "STATE"]

  package var cells: [String] { [dst, dev ?? "", lladdr ?? "", state?.joined(separator: ",") ?? "proxy"] }

  private static let states: [(state: NeighbourState, name: String)] = [
    (.incomplete, "INCOMPLETE"), (.reachable, "REACHABLE"), (.stale, "STALE"), (.delay, "DELAY"), (.probe, "PROBE"),
    (.failed, "FAILED"), (.noARP, "NOARP"), (.permanent, "PERMANENT"),
  ]
}
