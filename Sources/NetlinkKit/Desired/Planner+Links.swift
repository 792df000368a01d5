// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension Planner {
  /// Removes links of the owner's that have a desired link's name and cannot become what is desired.
  ///
  /// - Returns: their indexes.
  mutating func planLinkReplacements() throws(NetlinkError) -> Set<InterfaceIndex> {
    var replaced: Set<InterfaceIndex> = []
    for wanted in desired.links {
      guard let creation = wanted.creation, let link = links[wanted.name] else {
        continue
      }
      guard owner.owns(link) else {
        throw conflict(.createLink(wanted), "\(link.summary), alias \(link.alias.map { "\"\($0)\"" } ?? "none")")
      }
      let kind = wanted.parent.flatMap(index(of:)).map { creation.kind.on($0) } ?? creation.kind
      let isOnItsParent = wanted.parent.map { name in index(of: name).map { $0 == link.parentIndex } ?? false } ?? true
      if isOnItsParent, link.hasKind(kind) || link.settingsToBecome(kind) != nil { continue }
      guard wanted.isReplaceable else { throw conflict(.createLink(wanted), link.summary) }
      replaced.insert(link.index)
      add(ChangeStep(.removeLink(link.name), undo: nil, found: link.summary))
    }
    return replaced
  }

  /// Creates and changes links.
  ///
  /// - Returns: what is done when filters and addresses are in place: setting them up, and ARP.
  mutating func planLinks() throws(NetlinkError) -> (up: [ChangeStep], arp: [ChangeStep]) {
    var late: (up: [ChangeStep], arp: [ChangeStep]) = ([], [])
    for wanted in desired.links {
      guard let link = links[wanted.name] else {
        guard wanted.creation != nil else {
          if bornPeers.contains(wanted.name) {
            planNewLinkSettings(wanted, &late)
            continue
          }
          throw NetlinkError(
            .notFound, operation: "find link \"\(wanted.name)\"",
            reason: "it is not there, and not to be created; whoever makes it comes first")
        }
        if let born = wanted.birthName.flatMap({ links[$0] }), try finish(born, wanted, &late) { continue }
        var wanted = wanted
        let name = wanted.birthName ?? wanted.name
        let alias = wanted.settings.alias ?? owner.prefix + wanted.name.rawValue
        wanted.settings.alias = alias
        add(ChangeStep(.createLink(wanted), undo: .removeLink(name)))
        add(ChangeStep(.setAlias(name, alias), undo: .setAlias(name, "")))
        if name != wanted.name { add(rename(name, wanted.name)) }
        planNewLinkSettings(wanted, &late)
        continue
      }
      try planSettings(of: link, wanted, &late)
    }
    return late
  }

  private func rename(_ name: InterfaceName, _ new: InterfaceName) -> ChangeStep {
    ChangeStep(.rename(name, to: new), undo: .rename(new, to: name))
  }

  /// Takes over a link that was created and not renamed: whoever made it was interrupted.
  ///
  /// - Returns: whether it is the owner's and of the kind.
  private mutating func finish(
    _ born: Link, _ wanted: DesiredLink, _ late: inout (up: [ChangeStep], arp: [ChangeStep])
  ) throws(NetlinkError) -> Bool {
    guard owner.owns(born), let kind = wanted.creation?.kind, born.hasKind(kind) else { return false }
    add(rename(born.name, wanted.name))
    var renamed = born
    renamed.name = wanted.name
    try planSettings(of: renamed, wanted, &late)
    return true
  }

  /// What creation cannot say, or all of it for a peer that is born with its link.
  private mutating func planNewLinkSettings(
    _ wanted: DesiredLink, _ late: inout (up: [ChangeStep], arp: [ChangeStep])
  ) {
    var rest = wanted.settings
    // What was said at creation, and what comes later.
    (rest.alias, rest.mtu, rest.address, rest.master, rest.group) = (nil, nil, nil, nil, nil)
    (rest.transmitQueueLength, rest.broadcastAddress, rest.segmentation) = (nil, nil, SegmentationLimits())
    (rest.isUp, rest.isARPEnabled) = (nil, nil)
    let name = wanted.name
    if !rest.isEmpty {
      add(ChangeStep(.changeLink(name, rest, master: nil), undo: .changeLink(name, rest, master: nil)))
    }
    if wanted.settings.isUp == true {
      late.up.append(
        ChangeStep(
          .changeLink(name, LinkChanges(isUp: true), master: nil),
          undo: .changeLink(name, LinkChanges(isUp: false), master: nil)))
    }
    if let isARPEnabled = wanted.settings.isARPEnabled {
      late.arp.append(
        ChangeStep(
          .changeLink(name, LinkChanges(isARPEnabled: isARPEnabled), master: nil),
          undo: .changeLink(name, LinkChanges(isARPEnabled: !isARPEnabled), master: nil)))
    }
  }

  private mutating func planSettings(
    of link: Link, _ wanted: DesiredLink, _ late: inout (up: [ChangeStep], arp: [ChangeStep])
  ) throws(NetlinkError) {
    var (todo, undo) = wanted.settings.difference(from: link)
    if let kind = wanted.creation?.kind, !link.hasKind(kind), let settings = link.settingsToBecome(kind) {
      (todo.settings, undo.settings) = (settings.todo, settings.undo)
    }
    // A link of the owner's has some alias of the owner's; which one counts only when it was said.
    if wanted.settings.alias == nil { (todo.alias, undo.alias) = (nil, nil) }
    var master: (todo: InterfaceName??, undo: InterfaceName??) = (nil, nil)
    if let name = wanted.master {
      let index = try index(of: name, for: "set the master of link \"\(wanted.name)\"")
      if index == nil || index != link.masterIndex { master = (name, .some(link.masterIndex.map(self.name(of:)))) }
    }
    func step(_ todo: LinkChanges, _ undo: LinkChanges, _ found: String) -> ChangeStep {
      ChangeStep(
        .changeLink(link.name, todo, master: nil), undo: .changeLink(link.name, undo, master: nil), found: found)
    }
    if let isARPEnabled = todo.isARPEnabled {
      late.arp.append(
        step(
          LinkChanges(isARPEnabled: isARPEnabled), LinkChanges(isARPEnabled: !isARPEnabled),
          "\(link.name) with arp \(link.isARPEnabled ? "on" : "off")"))
    } else if todo.isUp == true, let isARPEnabled = wanted.settings.isARPEnabled {
      // Coming up may make the link forget it.
      late.arp.append(
        step(LinkChanges(isARPEnabled: isARPEnabled), LinkChanges(isARPEnabled: isARPEnabled), "\(link.name) down"))
    }
    if todo.isUp == true {
      late.up.append(step(LinkChanges(isUp: true), LinkChanges(isUp: false), "\(link.name) down"))
      (todo.isUp, undo.isUp) = (nil, nil)
    }
    (todo.isARPEnabled, undo.isARPEnabled) = (nil, nil)
    guard !todo.isEmpty || master.todo != nil else { return }
    add(
      ChangeStep(
        .changeLink(link.name, todo, master: master.todo), undo: .changeLink(link.name, undo, master: master.undo),
        found: "\(link.name) \(undo.words.joined(separator: " "))"
          + (master.undo.map { " master \($0.map { "\($0)" } ?? "none")" } ?? "")))
  }
}
