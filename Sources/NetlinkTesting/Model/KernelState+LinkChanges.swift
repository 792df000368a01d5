// SPDX-License-Identifier: Apache-2.0

extension KernelState {
  mutating func newLink(_ message: WireMessage) throws(Refusal) {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfLinks)
    if let name = request.attributes.text(IFLA.name), !KernelState.isValid(name) {
      throw Refusal(.invalidArgument, "Invalid name")
    }
    let names = request.attributes[IFLA.name] ?? request.attributes[IFLA.alternativeName]
    if let link = request.linkIndex != 0 || names != nil ? try subject(of: request) : nil {
      guard !message.has(Flag.exclusive) else { throw Refusal(.exists) }
      guard !message.has(Flag.replace) else { throw Refusal(.notSupported) }
      return try change(link, as: request)
    }
    guard message.has(Flag.create) else {
      guard request.linkIndex == 0, names == nil, let group = request.attributes.number(IFLA.group) else {
        throw Refusal(.noDevice)
      }
      for link in linksInOrder where link.attributes.number(IFLA.group) == group { try change(link, as: request) }
      return
    }
    try create(request)
  }

  private static func isValid(_ name: String) -> Bool {
    (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: " ") }
  }

  private mutating func chooseIndex() -> UInt32 {
    repeat { lastIndex += 1 } while links[lastIndex] != nil
    return lastIndex
  }

  private func checkLinkLayerAddress(in attributes: Attributes) throws(Refusal) {
    guard let address = attributes[IFLA.address] else { return }
    guard address.count == 6 else { throw Refusal(.invalidArgument) }
    guard address[0] & 1 == 0, address.contains(where: { $0 != 0 }) else { throw Refusal(.addressNotAvailable) }
  }

  private func checkMTU(in attributes: Attributes, of kind: String?) throws(Refusal) {
    guard let mtu = attributes.number(IFLA.mtu), kind != nil else { return }
    guard mtu >= 68 else { throw Refusal(.invalidArgument, "mtu less than device minimum") }
    guard mtu <= 65535 else { throw Refusal(.invalidArgument, "mtu greater than device maximum") }
  }

  private func checkMaster(in attributes: Attributes, of kind: String?) throws(Refusal) {
    guard let number = attributes.number(IFLA.master), number != 0 else { return }
    guard let master = links[number] else { throw Refusal(.invalidArgument) }
    guard let masterKind = master.linkKind, ["bridge", "bond", "team", "vrf"].contains(masterKind) else {
      throw Refusal(.notSupported)
    }
    if masterKind == "bridge", kind == "bridge" { throw Refusal(.loop, "Can not enslave a bridge to a bridge") }
  }

  private mutating func create(_ request: WireObject) throws(Refusal) {
    guard let kind = request.linkKind, linkKinds.contains(kind) else {
      throw Refusal(.notSupported, "Unknown device type")
    }
    try checkLinkLayerAddress(in: request.attributes)
    try checkMTU(in: request.attributes, of: kind)
    try checkMaster(in: request.attributes, of: kind)
    if KernelState.kindsOnAParent.contains(kind), request.attributes[IFLA.parentNamespaceID] == nil {
      guard let parent = request.attributes.number(IFLA.link) else { throw Refusal(.invalidArgument) }
      guard links[parent] != nil else { throw Refusal(.noDevice) }
    }
    var peer: WireObject?
    if kind == "veth" { peer = try vethPeer(of: request) }
    let name = request.attributes.text(IFLA.name) ?? freeName(kind)
    let taken = link(named: name) != nil || peer.map { link(named: $0.linkName) != nil || $0.linkName == name } == true
    guard !taken else { throw Refusal(.exists) }

    // The other end comes first.
    var peerIndex: UInt32?
    if let peer, !KernelState.isElsewhere(peer.attributes) {
      let number = chooseIndex()
      peerIndex = number
      links[number] = born(peer, kind: kind, index: number, name: peer.linkName)
    }
    guard !KernelState.isElsewhere(request.attributes) else { return announce(peerIndex) }
    let index = request.linkIndex == 0 ? chooseIndex() : request.linkIndex
    links[index] = born(request, kind: kind, index: index, name: name)
    if let peerIndex {
      links[index]?.attributes.set(IFLA.link, peerIndex)
      links[peerIndex]?.attributes.set(IFLA.link, index)
    }
    adjustMTU(ofBridge: links[index]?.attributes.number(IFLA.master))
    setFlags(of: index, as: request)
    announce(peerIndex)
    announce(index)
  }

  private mutating func announce(_ index: UInt32?) {
    refreshStates()
    if let index, let link = links[index] { tell(.newLink, link) }
  }

  private static func isElsewhere(_ attributes: Attributes) -> Bool {
    attributes[IFLA.namespaceDescriptor] != nil || attributes[IFLA.processNamespace] != nil
  }

  /// The message within a message that describes a veth's other end.
  private func vethPeer(of request: WireObject) throws(Refusal) -> WireObject {
    let data = request.attributes.nested(IFLA.information)?.nested(IFLA.informationData)
    guard let body = data?[IFLA.vethPeer] else {
      var peer = WireObject(
        header: [UInt8](repeating: 0, count: KernelState.headerOfLinks), attributes: Attributes())
      peer.attributes.set(IFLA.name, freeName("veth", beside: request.attributes.text(IFLA.name)))
      return peer
    }
    var peer = try WireObject(body, headerSize: KernelState.headerOfLinks)
    guard peer.linkFlags & IFF.up == 0 else { throw Refusal(.notConnected) }
    try checkLinkLayerAddress(in: peer.attributes)
    if peer.attributes[IFLA.name] == nil { peer.attributes.set(IFLA.name, freeName("veth")) }
    return peer
  }

  private func freeName(_ kind: String, beside other: String? = nil) -> String {
    var number = 0
    while link(named: "\(kind)\(number)") != nil || "\(kind)\(number)" == other { number += 1 }
    return "\(kind)\(number)"
  }

  /// A new link as `request` describes it, with what the kernel chooses where it says nothing.
  private func born(_ request: WireObject, kind: String, index: UInt32, name: String) -> WireObject {
    let parent = request.attributes.number(IFLA.link).flatMap { links[$0] }
    var attributes = Attributes()
    attributes.set(IFLA.name, name)
    attributes[IFLA.mtu] = parent?.attributes[IFLA.mtu] ?? Array(host: UInt32(1500))
    attributes.set(IFLA.operationalState, UInt8(2))
    attributes.set(IFLA.linkMode, UInt8(0))
    attributes.set(IFLA.minimumMTU, UInt32(68))
    attributes.set(IFLA.maximumMTU, UInt32(65535))
    attributes.set(IFLA.group, UInt32(0))
    attributes.set(IFLA.transmitQueueLength, UInt32(1000))
    attributes.set(IFLA.queueingDiscipline, "noop")
    // Chosen by the index, so that every run is the same.
    attributes[IFLA.address] = [2, 0] + Array(host: index.bigEndian)
    if kind.hasPrefix("ipv"), let address = parent?.attributes[IFLA.address] { attributes[IFLA.address] = address }
    attributes[IFLA.broadcast] = [UInt8](repeating: 0xff, count: 6)
    attributes.merge(
      request.attributes.without([
        IFLA.name, IFLA.information, IFLA.namespaceDescriptor, IFLA.processNamespace, IFLA.newIndex,
        IFLA.extensionMask,
      ]))
    if attributes.number(IFLA.master) == 0 { attributes[IFLA.master] = nil }
    var information = request.attributes.nested(IFLA.information) ?? Attributes()
    information.set(IFLA.informationKind, kind)
    if kind == "veth" { information[IFLA.informationData] = nil }
    attributes.set(IFLA.information, nested: information)
    return WireObject(
      header: [0, 0] + Array(host: UInt16(1)) + Array(host: index) + Array(host: IFF.broadcast | IFF.multicast)
        + Array(host: UInt32(0)), attributes: attributes)
  }

  private mutating func change(_ link: WireObject, as request: WireObject) throws(Refusal) {
    let index = link.linkIndex
    try checkLinkLayerAddress(in: request.attributes)
    try checkMTU(in: request.attributes, of: link.linkKind)
    try checkMaster(in: request.attributes, of: link.linkKind)
    if let alias = request.attributes[IFLA.alias], alias.count >= 256 { throw Refusal(.outOfRange) }
    if let name = request.attributes.text(IFLA.name), name != link.linkName, request.linkIndex != 0 {
      // Linux 6.1; newer ones rename links that are up.
      guard !link.isUp else { throw Refusal(.busy) }
      guard self.link(named: name) == nil else { throw Refusal(.exists) }
    }
    guard !KernelState.isElsewhere(request.attributes) else {
      guard index != 1 else { throw Refusal(.invalidArgument, "The interface netns is immutable") }
      links[index] = nil
      bridgesWithOwnMTU.remove(index)
      // Of what was made on it or is its other end the rest is now in another namespace.
      for other in linksInOrder where other.boundTo == index {
        links[other.linkIndex]?.attributes.set(IFLA.parentNamespaceID, Int32(0))
      }
      forgetEverything(on: index)
      tell(.removeLink, link)
      return adjustMTU(ofBridge: link.attributes.number(IFLA.master))
    }
    let ignored: Set<UInt16> =
      request.linkIndex == 0 ? [IFLA.name, IFLA.alternativeName, IFLA.group] : [IFLA.alternativeName]
    links[index]?.attributes.merge(request.attributes.without(ignored.union([IFLA.newIndex, IFLA.extensionMask])))
    if links[index]?.attributes.number(IFLA.master) == 0 { links[index]?.attributes[IFLA.master] = nil }
    if link.linkKind == "bridge", request.attributes[IFLA.mtu] != nil { bridgesWithOwnMTU.insert(index) }
    for bridge in [link.attributes.number(IFLA.master), links[index]?.attributes.number(IFLA.master)] {
      adjustMTU(ofBridge: bridge)
    }
    if let alias = request.attributes[IFLA.alias] {
      links[index]?.attributes[IFLA.alias] = alias.isEmpty ? nil : alias + [0]
    }
    setFlags(of: index, as: request)
    announce(index)
  }

  private mutating func setFlags(of index: UInt32, as request: WireObject) {
    guard let link = links[index], request.linkFlags != 0 || request.linkMask != 0 else { return }
    let mask = (request.linkMask == 0 ? .max : request.linkMask) & IFF.changeable
    let flags = link.linkFlags & ~mask | request.linkFlags & mask
    links[index]?.linkFlags = flags
    if link.isUp, flags & IFF.up == 0 { forgetTraffic(on: index, isLeaving: false) }
  }
}
