// SPDX-License-Identifier: Apache-2.0

/// What follows from the state of other links.
extension KernelState {
  /// The smallest of its ports', unless it was set.
  mutating func adjustMTU(ofBridge index: UInt32?) {
    guard let index, links[index]?.linkKind == "bridge", !bridgesWithOwnMTU.contains(index) else { return }
    let ports = linksInOrder.filter { $0.attributes.number(IFLA.master) == index }
    links[index]?.attributes.set(IFLA.mtu, ports.compactMap { $0.attributes.number(IFLA.mtu) }.min() ?? 1500)
  }

  /// Says of each link whether it can carry packets.
  mutating func refreshStates() {
    for link in linksInOrder {
      let index = link.linkIndex
      let peer = link.linkKind == "veth" ? link.attributes.number(IFLA.link).flatMap { links[$0] } : nil
      let ports = linksInOrder.filter { $0.attributes.number(IFLA.master) == index }
      let hasCarrier = peer?.isUp ?? (link.linkKind != "bridge" || ports.contains(where: \.isUp))
      let runs = link.isUp && hasCarrier
      let bits = IFF.running | IFF.lowerUp
      links[index]?.linkFlags = link.linkFlags & ~bits | (runs ? bits : 0)
      if index != 1 { links[index]?.attributes.set(IFLA.operationalState, UInt8(runs ? 6 : 2)) }
      if link.isUp, link.attributes.text(IFLA.queueingDiscipline) == "noop" {
        links[index]?.attributes.set(IFLA.queueingDiscipline, "noqueue")
      }
    }
  }
}
