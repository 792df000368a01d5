// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

// Addresses.
extension Planner {
  mutating func planAddresses() throws(NetlinkError) {
    let present = Dictionary(found.addresses.map { (OnLink($0.index, $0.address), $0) }) { first, _ in first }
    for wanted in desired.addresses {
      let wanted = marked(wanted)
      let change = NamedChange.address(.add, wanted)
      let undo = NamedChange.address(.remove, wanted)
      guard let link = try index(of: wanted.link, for: "\(change)"),
        let there = present[OnLink(link, wanted.address.address)]
      else {
        add(ChangeStep(change, undo: undo))
        continue
      }
      if wanted.address.isSatisfied(by: there) { continue }
      let found = "\(there.commandText) dev \(wanted.link)"
      guard owner.owns(there) else { throw conflict(change, found) }
      add(remove(there))
      add(ChangeStep(change, undo: undo, found: found))
    }
  }

  func marked(_ wanted: DesiredAddress) -> DesiredAddress {
    var address = wanted.address
    address.protocol = AddressProtocol(rawValue: owner.protocol.rawValue)
    return DesiredAddress(address, on: wanted.link)
  }

  func remove(_ there: InterfaceAddress) -> ChangeStep {
    let there = DesiredAddress(there, on: name(of: there.index))
    return ChangeStep(.address(.remove, there), undo: .address(.add, there), found: there.address.commandText)
  }

  var staleAddresses: [InterfaceAddress] {
    let wanted = wantedAddresses
    return found.addresses.filter { owner.owns($0) && !wanted.contains(OnLink($0.index, $0.address)) }
  }

  /// The owner's addresses of `snapshot` that the state describes.
  func describedAddresses(in snapshot: NamespaceSnapshot) -> [InterfaceAddress] {
    let wanted = wantedAddresses
    return snapshot.addresses.filter { owner.owns($0) && wanted.contains(OnLink($0.index, $0.address)) }
  }

  private var wantedAddresses: Set<OnLink<IPAddress>> {
    Set(
      desired.addresses.compactMap { wanted in
        index(of: wanted.link).map { OnLink($0, wanted.address.address) }
      })
  }
}

// Neighbours.
extension Planner {
  mutating func planNeighbours() throws(NetlinkError) {
    let present = Dictionary(found.neighbours.map { (OnLink($0.interface, $0.entry), $0) }) { first, _ in first }
    for wanted in desired.neighbours {
      let wanted = marked(wanted)
      let change = NamedChange.neighbour(.replace, wanted)
      guard let link = try index(of: wanted.link, for: "\(change)"),
        let there = present[OnLink(link, wanted.neighbour.entry)]
      else {
        add(ChangeStep(change, undo: .neighbour(.remove, wanted)))
        continue
      }
      if wanted.neighbour.isSatisfied(by: there) { continue }
      let found = "\(there.commandText) dev \(wanted.link)"
      // What the kernel learnt by itself is nobody's; what somebody made permanent is theirs.
      guard owner.owns(there) || !there.isFixed else { throw conflict(change, found) }
      let undo: NamedChange =
        there.isFixed ? .neighbour(.replace, DesiredNeighbour(there, on: wanted.link)) : .neighbour(.remove, wanted)
      add(ChangeStep(change, undo: undo, found: found))
    }
  }

  func marked(_ wanted: DesiredNeighbour) -> DesiredNeighbour {
    var neighbour = wanted.neighbour
    neighbour.protocol = owner.protocol
    return DesiredNeighbour(neighbour, on: wanted.link)
  }

  func remove(_ there: Neighbour) -> ChangeStep {
    let there = DesiredNeighbour(there, on: name(of: there.interface))
    return ChangeStep(
      .neighbour(.remove, there), undo: .neighbour(.replace, there), found: there.neighbour.commandText)
  }

  var staleNeighbours: [Neighbour] {
    let wanted = wantedNeighbours
    return found.neighbours.filter { owner.owns($0) && !wanted.contains(OnLink($0.interface, $0.entry)) }
  }

  /// The owner's entries of `snapshot` that the state describes.
  func describedNeighbours(in snapshot: NamespaceSnapshot) -> [Neighbour] {
    let wanted = wantedNeighbours
    return snapshot.neighbours.filter { owner.owns($0) && wanted.contains(OnLink($0.interface, $0.entry)) }
  }

  private var wantedNeighbours: Set<OnLink<Neighbour.Entry>> {
    Set(
      desired.neighbours.compactMap { wanted in
        index(of: wanted.link).map { OnLink($0, wanted.neighbour.entry) }
      })
  }
}

/// Something of which a link has one.
private struct OnLink<Key: Hashable>: Hashable {
  let link: InterfaceIndex
  let key: Key

  init(_ link: InterfaceIndex, _ key: Key) {
    self.link = link
    self.key = key
  }
}

extension InterfaceAddress {
  /// Whether `there`, the same address on the same link, is all that this one asks for.
  ///
  /// Whoever put it there: an address is there or not.
  func isSatisfied(by there: InterfaceAddress) -> Bool {
    guard prefixLength == there.prefixLength, peer == there.peer, there.flags.isSuperset(of: flags) else {
      return false
    }
    // IPv6 derives it.
    if address.family == .ipv4, scope != there.scope { return false }
    if let broadcast, broadcast != there.broadcast { return false }
    if let label, label != there.label { return false }
    return true
  }
}

extension Neighbour {
  /// Of entries with the same key a link has only one.
  struct Entry: Hashable {
    let address: IPAddress
    let isProxy: Bool
  }

  var entry: Entry { Entry(address: address, isProxy: isProxy) }

  /// Whether `there`, the same entry on the same link, is all that this one asks for.
  func isSatisfied(by there: Neighbour) -> Bool {
    if isProxy { return true }
    return linkLayerAddress == there.linkLayerAddress && there.state.isSuperset(of: state)
  }

  /// Whether somebody put it there, rather than the kernel having learnt it.
  var isFixed: Bool { isProxy || !state.isDisjoint(with: [.permanent, .noARP]) }
}
