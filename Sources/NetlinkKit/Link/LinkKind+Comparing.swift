// SPDX-License-Identifier: Apache-2.0

extension LinkKind {
  /// Whether a link of kind `actual` is what this asks for: of the same kind, on the same parent, and with each setting that
  /// this names.
  ///
  /// So what a link was to be created with is compared with what the kernel says of it, which is always more. The peer of a
  /// pair is not compared: the kernel does not tell it.
  ///
  /// ```swift
  /// guard let kind = link.kind, new.kind.isMet(by: kind) else { /* It is another link, or was changed. */ }
  /// ```
  ///
  /// - Parameter actual: the kind of a link that was read.
  /// - Returns: whether nothing is left to change.
  public func isMet(by actual: LinkKind) -> Bool {
    guard name == actual.name, parent == actual.parent else { return false }
    return switch (self, actual) {
    case (.vlan(_, let id, let tag, let wanted), .vlan(_, let itsID, let itsTag, let actual)):
      id == itsID && tag == itsTag && wanted.isMet(by: actual)
    case (.ipvlan(_, let mode, let flag), .ipvlan(_, let itsMode, let itsFlag)): mode == itsMode && flag == itsFlag
    case (.macvlan(_, let wanted), .macvlan(_, let actual)): wanted.inOrder.isMet(by: actual.inOrder)
    case (.vxlan(let wanted), .vxlan(let actual)): wanted.hasSwitches(of: actual) && wanted.isMet(by: actual)
    case (.bridge(let wanted), .bridge(let actual)): wanted.isMet(by: actual)
    case (.bond(let wanted), .bond(let actual)): wanted.isMet(by: actual)
    case (.netkit(_, let wanted), .netkit(_, let actual)): wanted.isMet(by: actual)
    case (.tun(let wanted), .tun(let actual)):
      wanted.owner == actual.owner && wanted.group == actual.group && wanted.isMet(by: actual)
    case (.veth, .veth), (.dummy, .dummy), (.ifb, .ifb), (.other, .other): true
    // A name that this module has settings for, without the parent that belongs to it.
    default: false
    }
  }
}

extension LinkPort {
  /// Whether a port that is `actual` is what this asks for: of the same kind, and with each setting that this names.
  ///
  /// - Parameter actual: what was read of a port.
  /// - Returns: whether nothing is left to change.
  public func isMet(by actual: LinkPort) -> Bool {
    switch (self, actual) {
    case (.bridge(let wanted), .bridge(let actual)): wanted.isMet(by: actual)
    case (.bond(let wanted), .bond(let actual)): wanted.isMet(by: actual)
    case (.other, .other): name == actual.name
    default: false
    }
  }
}

extension VLANSettings {
  /// Lines of a map are added to others, and one to 0 takes away.
  fileprivate func isMet(by actual: VLANSettings) -> Bool {
    func isMet(_ wanted: [VLANPriorityMapping]?, _ actual: [VLANPriorityMapping]?) -> Bool {
      (wanted ?? []).allSatisfy { line in
        (actual?.first { $0.from == line.from }?.to ?? 0) == line.to
      }
    }
    return isMet(ingressPriorities, actual.ingressPriorities) && isMet(egressPriorities, actual.egressPriorities)
      && VLAN(settings: VLANSettings(flags: flags)).isMet(by: VLAN(settings: VLANSettings(flags: actual.flags)))
  }
}

extension VXLANSettings {
  /// What is off is not sent; it is fixed when the link is created.
  fileprivate func hasSwitches(of actual: VXLANSettings) -> Bool {
    carriesPolicy == actual.carriesPolicy && carriesProtocol == actual.carriesProtocol
      && finishesWholeChecksums == actual.finishesWholeChecksums
      && (inheritsTTL == nil || inheritsTTL == actual.inheritsTTL)
  }
}

extension MACVLANSettings {
  /// The kernel lists the source addresses in an order of its own.
  fileprivate var inOrder: MACVLANSettings {
    var copy = self
    copy.sourceAddresses?.sort()
    return copy
  }
}
