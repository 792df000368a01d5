// SPDX-License-Identifier: Apache-2.0

/// Whose objects: the marks by which an owner's objects are told from everybody else's.
///
/// Everything that is made for a ``DesiredState`` bears its owner's marks, and nothing without them is ever replaced or
/// removed. Two programs on one machine use different marks.
public struct ObjectOwner: Sendable, Hashable {
  /// The tag of its routes, rules, addresses and neighbours, 5...255.
  ///
  /// 0 to 4 prove nothing: the kernel and everybody's `ip` use them. See `/etc/iproute2/rt_protos` for those that are
  /// taken.
  public var `protocol`: RouteProtocol
  /// What the aliases of its links and the names of its filters begin with, 1...255 bytes, such as `example.org:`.
  public var prefix: String

  /// Names an owner by its marks.
  ///
  /// - Parameters:
  ///   - protocol: the tag of its routes, rules, addresses and neighbours, 5...255.
  ///   - prefix: what the aliases of its links and the names of its filters begin with, 1...255 bytes.
  public init(protocol: RouteProtocol, prefix: String) {
    self.protocol = `protocol`
    self.prefix = prefix
  }

  /// Why the marks prove nothing; nil when they do.
  var objection: String? {
    if self.protocol.rawValue <= 4 {
      return "protocol \(self.protocol) is used by the kernel and by ip for everybody; choose one of 5...255"
    }
    guard (1...255).contains(prefix.utf8.count), !prefix.utf8.contains(0) else {
      return "the prefix of aliases and filter names has 1...255 bytes, none of them zero"
    }
    return nil
  }

  /// Whether a link bears the mark.
  func owns(_ link: Link) -> Bool { link.alias?.hasPrefix(prefix) == true }
  /// Whether an address bears the mark.
  func owns(_ address: InterfaceAddress) -> Bool { address.protocol?.rawValue == self.protocol.rawValue }
  /// Whether a route bears the mark.
  func owns(_ route: Route) -> Bool { route.protocol == self.protocol }
  /// Whether a rule bears the mark.
  func owns(_ rule: Rule) -> Bool { rule.protocol == self.protocol }
  /// Whether a neighbour bears the mark.
  func owns(_ neighbour: Neighbour) -> Bool { neighbour.protocol == self.protocol }
  /// Whether a filter bears the mark.
  func owns(_ filter: TrafficFilter) -> Bool { filter.program?.name?.hasPrefix(prefix) == true }
}
