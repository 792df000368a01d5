// SPDX-License-Identifier: Apache-2.0

// `struct ifinfomsg`: family 0, device type 2, index 4, flags 8, mask 12.
extension WireObject {
  var linkIndex: UInt32 { header.host(at: 4) }
  var linkFlags: UInt32 {
    get { header.host(at: 8) }
    set { header.set(newValue, at: 8) }
  }
  var linkMask: UInt32 { header.host(at: 12) }
  var isUp: Bool { linkFlags & IFF.up != 0 }
  var linkName: String { attributes.text(IFLA.name) ?? "" }
  var linkKind: String? { attributes.nested(IFLA.information)?.text(IFLA.informationKind) }
  var alternativeNames: [String] {
    attributes.nested(IFLA.properties)?.elements.filter { $0.type == IFLA.alternativeName }.map(\.payload.text) ?? []
  }
  /// The link that it does not outlive: a veth's other end, or what it was made on.
  var boundTo: UInt32? {
    guard let linkKind, linkKind == "veth" || KernelState.kindsOnAParent.contains(linkKind),
      attributes[IFLA.parentNamespaceID] == nil
    else { return nil }
    return attributes.number(IFLA.link)
  }
}

extension KernelState {
  static let kindsOnAParent: Set<String> = ["ipvlan", "ipvtap", "macvlan", "macvtap", "vlan"]
  static let headerOfLinks = 16

  mutating func addLoopback() {
    var attributes = Attributes()
    attributes.set(IFLA.name, "lo")
    attributes.set(IFLA.mtu, UInt32(65536))
    attributes.set(IFLA.operationalState, UInt8(0))
    attributes[IFLA.address] = [UInt8](repeating: 0, count: 6)
    attributes[IFLA.broadcast] = [UInt8](repeating: 0, count: 6)
    attributes.set(IFLA.group, UInt32(0))
    attributes.set(IFLA.queueingDiscipline, "noop")
    links[1] = WireObject(
      header: [0, 0] + Array(host: UInt16(772)) + Array(host: UInt32(1)) + Array(host: IFF.loopback)
        + Array(host: UInt32(0)), attributes: attributes)
  }

  var linksInOrder: [WireObject] { links.keys.sorted().compactMap { links[$0] } }

  func link(named name: String) -> WireObject? {
    linksInOrder.first { $0.linkName == name || $0.alternativeNames.contains(name) }
  }

  /// The link that `request` names by index or name; nil when there is none.
  func subject(of request: WireObject) throws(Refusal) -> WireObject? {
    let index = request.linkIndex
    if index != 0 { return links[index] }
    guard let name = request.attributes.text(IFLA.name) ?? request.attributes.text(IFLA.alternativeName) else {
      throw Refusal(.invalidArgument, "No valid interface identifier")
    }
    return link(named: name)
  }

  func findLink(_ message: WireMessage) throws(Refusal) -> [WireObject] {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfLinks)
    guard request.attributes[IFLA.targetNamespaceID] == nil else { throw Refusal(.invalidArgument) }
    guard let link = try subject(of: request) else { throw Refusal(.noDevice) }
    return [link]
  }

  func listLinks(_ message: WireMessage) throws(Refusal) -> [WireObject] {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfLinks)
    let kind = request.linkKind
    let master = request.attributes.number(IFLA.master)
    return linksInOrder.filter { link in
      (kind == nil || link.linkKind == kind)
        && (master == nil || (link.attributes.number(IFLA.master) ?? .max) == master)
    }
  }

  mutating func removeLink(_ message: WireMessage) throws(Refusal) {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfLinks)
    if request.linkIndex == 0, let group = request.attributes.number(IFLA.group) {
      guard group != 0 else { throw Refusal(.notPermitted) }
      let members = linksInOrder.filter { $0.attributes.number(IFLA.group) == group }
      guard !members.isEmpty else { throw Refusal(.noDevice) }
      guard members.allSatisfy({ $0.linkKind != nil }) else { throw Refusal(.notSupported) }
      for member in members { take(away: member.linkIndex) }
      return
    }
    guard let link = try subject(of: request) else { throw Refusal(.noDevice) }
    guard link.linkKind != nil else { throw Refusal(.notSupported) }
    take(away: link.linkIndex)
  }

  /// Removes a link, and with it all that is on it or bound to it.
  mutating func take(away index: UInt32) {
    guard let link = links.removeValue(forKey: index) else { return }
    bridgesWithOwnMTU.remove(index)
    forgetEverything(on: index)
    tell(.removeLink, link)
    for other in linksInOrder {
      let number = other.linkIndex
      if other.boundTo == index || (link.linkKind == "veth" && link.boundTo == number) {
        take(away: number)
      } else if other.attributes.number(IFLA.master) == index {
        links[number]?.attributes[IFLA.master] = nil
      }
    }
    adjustMTU(ofBridge: link.attributes.number(IFLA.master))
    refreshStates()
  }

  /// Addresses, neighbours, routes, queueing disciplines and filters go with their link.
  mutating func forgetEverything(on index: UInt32) {
    remove(\.filters, telling: .removeFilter) { $0.trafficIndex == index }
    remove(\.qdiscs, telling: .removeQdisc) { $0.trafficIndex == index }
    forgetTraffic(on: index, isLeaving: true)
  }

  /// What a link loses when it goes down (and when it leaves: its IPv4 addresses too).
  mutating func forgetTraffic(on index: UInt32, isLeaving: Bool) {
    remove(\.neighbours, telling: .removeNeighbour) { $0.neighbourIndex == index }
    // Of IPv4 routes that vanish with their link nobody is told.
    remove(\.routes, telling: nil) { $0.attributes.number(RTA.outputInterface) == index }
    remove(\.addresses, telling: .removeAddress) { $0.addressIndex == index && (isLeaving || $0.family == Family.ipv6) }
  }

  mutating func changeAlternativeNames(_ message: WireMessage, isRemoval: Bool) throws(Refusal) {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfLinks)
    guard var link = try subject(of: request) else { throw Refusal(.noDevice) }
    var names = link.alternativeNames
    for name in request.alternativeNames {
      if isRemoval {
        guard let owner = self.link(named: name) else { throw Refusal(.noEntry) }
        guard owner.linkIndex == link.linkIndex, let place = names.firstIndex(of: name) else {
          throw Refusal(.invalidArgument)
        }
        names.remove(at: place)
      } else {
        guard self.link(named: name) == nil, !names.contains(name) else { throw Refusal(.exists) }
        names.append(name)
      }
    }
    var list = Attributes()
    list.elements = names.map { Attributes.Element(type: IFLA.alternativeName, payload: Array($0.utf8) + [0]) }
    link.attributes[IFLA.properties] = names.isEmpty ? nil : list.bytes
    links[link.linkIndex] = link
    tell(.newLink, link)
  }
}
