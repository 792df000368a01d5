// SPDX-License-Identifier: Apache-2.0

/// What a ``NetlinkMonitor`` has seen.
public enum NetlinkEvent: Sendable, Hashable {
  /// What happened to an object.
  public enum Change: String, Sendable, Hashable, CaseIterable {
    /// It was there when the monitor looked.
    case listed
    /// It is new, or something about it is: the value says how it is now.
    case updated
    /// It is gone: the value says how it was.
    case removed
  }

  /// A link.
  case link(Change, Link)
  /// An address on a link.
  case address(Change, InterfaceAddress)
  /// A route.
  case route(Change, Route)
  /// A routing rule.
  case rule(Change, Rule)
  /// A neighbour entry.
  case neighbour(Change, Neighbour)
  /// A queueing discipline.
  ///
  /// When one is removed, nothing is said of the classes and filters that go with it.
  case qdisc(Change, Qdisc)
  /// A class of a queueing discipline.
  case trafficClass(Change, TrafficClass)
  /// A filter.
  ///
  /// One with handle 0 stands for its priority: removed, all filters of that place, chain and priority are gone; updated,
  /// one is new there, and the kernel does not say more (`matchall` on Linux 6.1).
  case filter(Change, TrafficFilter)
  /// All that was listed, with the updates and removals since then, is how things are now.
  case synchronised
  /// Events were lost, because they came faster than they were taken (`ENOBUFS`).
  ///
  /// Forget what you know. Everything is listed again, up to the next ``synchronised``.
  case resynchronise
}

extension NetlinkEvent {
  /// Which objects a monitor watches.
  public struct Subjects: OptionSet, Sendable, Hashable {
    /// One bit per kind of object.
    public let rawValue: UInt32

    /// Makes a set from its bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Links.
    public static let links = Subjects(rawValue: 1 << 0)
    /// Addresses.
    public static let addresses = Subjects(rawValue: 1 << 1)
    /// Routes of both families, in all tables.
    public static let routes = Subjects(rawValue: 1 << 2)
    /// Routing rules of both families.
    public static let rules = Subjects(rawValue: 1 << 3)
    /// Neighbours.
    public static let neighbours = Subjects(rawValue: 1 << 4)
    /// Queueing disciplines, classes and filters.
    public static let trafficControl = Subjects(rawValue: 1 << 5)
    /// All of these.
    public static let all: Subjects = [.links, .addresses, .routes, .rules, .neighbours, .trafficControl]
  }
}
