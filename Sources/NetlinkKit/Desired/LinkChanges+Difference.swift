// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension LinkChanges {
  /// What of these is not so with `link`, and what would put it back.
  func difference(from link: Link) -> (todo: LinkChanges, undo: LinkChanges) {
    var todo = LinkChanges()
    var undo = LinkChanges()
    func compare<Value: Equatable>(
      _ wanted: Value?, _ present: Value?, _ property: WritableKeyPath<LinkChanges, Value?>
    ) {
      guard let wanted, wanted != present else { return }
      todo[keyPath: property] = wanted
      undo[keyPath: property] = present
    }
    compare(mtu, link.mtu, \.mtu)
    compare(address, link.address, \.address)
    compare(isUp, link.isUp, \.isUp)
    compare(isARPEnabled, link.isARPEnabled, \.isARPEnabled)
    compare(alias, link.alias ?? "", \.alias)
    compare(master, .some(link.masterIndex), \.master)
    compare(group, link.group ?? .default, \.group)
    compare(isPromiscuous, link.flags.contains(.promiscuous), \.isPromiscuous)
    compare(isAllMulticast, link.flags.contains(.allMulticast), \.isAllMulticast)
    compare(isMulticast, link.flags.contains(.multicast), \.isMulticast)
    compare(transmitQueueLength, link.transmitQueueLength, \.transmitQueueLength)
    compare(broadcastAddress, link.broadcastAddress, \.broadcastAddress)
    compare(mode, link.mode, \.mode)
    compare(operationalState, link.operationalState, \.operationalState)
    compare(hasCarrier, link.hasCarrier, \.hasCarrier)
    compare(isProtocolDown, link.isProtocolDown, \.isProtocolDown)
    compare(ipv6AddressGeneration, link.ipv6AddressGeneration, \.ipv6AddressGeneration)
    if let port, !(link.port.map { port.isMet(by: $0) } ?? false) { (todo.port, undo.port) = (port, link.port) }
    let limits = link.segmentation
    compare(segmentation.gsoMaximumSize, limits.gsoMaximumSize, \.segmentation.gsoMaximumSize)
    compare(segmentation.gsoMaximumSegments, limits.gsoMaximumSegments, \.segmentation.gsoMaximumSegments)
    compare(segmentation.groMaximumSize, limits.groMaximumSize, \.segmentation.groMaximumSize)
    compare(segmentation.gsoIPv4MaximumSize, limits.gsoIPv4MaximumSize, \.segmentation.gsoIPv4MaximumSize)
    compare(segmentation.groIPv4MaximumSize, limits.groIPv4MaximumSize, \.segmentation.groIPv4MaximumSize)
    return (todo, undo)
  }

  /// Whether nothing is to change.
  var isEmpty: Bool { words.isEmpty }
}

extension Link {
  /// Whether it is of this kind and on the same link, with what is given of the kind's settings.
  ///
  /// A veth's peer is a link to be described by itself.
  func hasKind(_ wanted: LinkKind) -> Bool {
    guard let kind, isOnParent(of: wanted) else { return false }
    return wanted.isMet(by: kind)
  }

  private func isOnParent(of wanted: LinkKind) -> Bool { wanted.carrier == nil || wanted.carrier == kind?.carrier }

  /// What would make it one of this kind, and what would put it back; nil when it has to be made anew.
  ///
  /// Not for ipvlan, whose mode and flag are its parent's, and not for settings that are fixed at creation.
  func settingsToBecome(_ wanted: LinkKind) -> (todo: LinkSettings, undo: LinkSettings)? {
    guard let kind, isOnParent(of: wanted), let todo = wanted.settings, let undo = kind.settings else { return nil }
    switch (wanted, kind) {
    case (.bridge(let wanted), .bridge(var settings)):
      settings = settings.limited(to: wanted)
      settings.options.mask.formIntersection(wanted.options.mask)
      settings.options.values.formIntersection(wanted.options.mask)
      return (todo, .bridge(settings))
    case (.macvlan(_, let wanted), .macvlan(_, let settings)): return (todo, .macvlan(settings.limited(to: wanted)))
    case (.vlan(_, let id, let tag, _), .vlan(_, let itsID, let itsTag, _)) where id == itsID && tag == itsTag:
      return (todo, undo)
    default: return nil
    }
  }

  /// Its name, kind and parent, in `ip`'s words.
  var summary: String {
    "link \(name)" + (kind.map { " type \($0.name)" } ?? "") + (kind?.carrier.map { " on link \($0)" } ?? "")
  }
}
