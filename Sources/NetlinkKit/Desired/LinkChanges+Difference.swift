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
  /// Whether it is of this kind, with what is given of the kind's settings.
  ///
  /// A setting that the kind's own wire form says is there is compared as it is on the wire, so that kinds need no
  /// comparison of their own. A veth's peer is a link to be described by itself.
  func hasKind(_ wanted: LinkKind) -> Bool {
    guard let kind, kind.name == wanted.name else { return false }
    if let parent = wanted.parent, parent != kind.parent { return false }
    if case .veth = wanted { return true }
    return LinkKind.settings(kind).isSuperset(of: LinkKind.settings(wanted))
  }

  /// Its name, kind and parent, in `ip`'s words.
  var summary: String {
    "link \(name)" + (kind.map { " type \($0.name)" } ?? "") + (kind?.parent.map { " on link \($0)" } ?? "")
  }
}

extension LinkKind {
  fileprivate struct Setting: Hashable {
    let type: UInt16
    let bytes: [UInt8]
  }

  /// The kind's attributes.
  fileprivate static func settings(_ kind: LinkKind) -> Set<Setting> {
    let writer = MessageWriter()
    writer.begin(type: 0, flags: 0, sequence: 0)
    kind.encodeData(into: writer)
    let bytes = writer.bytes
    let span = unsafe bytes.span.bytes
    var cursor = AttributeCursor(Message.headerSize..<bytes.count)
    var settings: Set<Setting> = []
    while let attribute = try? cursor.next(in: span) {
      settings.insert(Setting(type: attribute.type, bytes: Array(bytes[attribute.payload])))
    }
    return settings
  }
}
