// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What few routes have.
///
/// It is kept behind one reference, so that a plain route is a small value, and a listing of many takes nothing from the
/// heap for each.
struct RouteDetails: Sendable, Hashable {
  var nextHops: [NextHop] = []
  var metrics = RouteMetrics()
  var sourcePrefix: IPCIDR?
  var nextHopID: NextHopID?
  var encapsulation: RouteEncapsulation?
  var realms: UInt32?
  var lifetime: UInt32?
  var cacheInfo: RouteCacheInfo?
  var inputInterface: InterfaceIndex?
  var mark: UInt32?
  var userID: UInt32?
  var otherAttributes = RawAttributes()
}

extension RouteDetails {
  /// A place for details that takes room only when there are some.
  struct Box: Sendable, Hashable {
    /// One element, or none when all details are as they are by default: equal routes are equal in here, too.
    private var storage: [RouteDetails] = []

    var isEmpty: Bool { storage.isEmpty }

    var value: RouteDetails {
      get { storage.first ?? RouteDetails() }
      _modify {
        if storage.isEmpty { storage.append(RouteDetails()) }
        defer { if storage[0] == RouteDetails() { storage = [] } }
        yield &storage[0]
      }
    }
  }
}

extension Route {
  /// Several next hops, of which each connection takes one (`RTA_MULTIPATH`); empty when there is at most one.
  ///
  /// A route with next hops of its own has neither ``gateway`` nor ``interface``. While a link is down the next hops on it
  /// say ``NextHop/isDead``. When a link is removed, an IPv6 route loses the next hops on it, and an IPv4 route goes as a
  /// whole.
  public var nextHops: [NextHop] {
    get { details.value.nextHops }
    set { if hasDetails || !newValue.isEmpty { details.value.nextHops = newValue } }
  }

  /// What the kernel's protocols do differently on this route (`RTA_METRICS`); empty for nothing.
  public var metrics: RouteMetrics {
    get { details.value.metrics }
    set { if hasDetails || !newValue.isEmpty { details.value.metrics = newValue } }
  }

  /// Only for packets from there, IPv6 only (`RTA_SRC`, `ip -6 route add ... from`); nil for any.
  ///
  /// The answer of a look-up has the source that was asked for here, of either family.
  public var sourcePrefix: IPCIDR? {
    get { details.value.sourcePrefix }
    set { if hasDetails || newValue != nil { details.value.sourcePrefix = newValue } }
  }

  /// The next hop object that it goes through (`RTA_NH_ID`); nil for none.
  ///
  /// What the object is made of comes along as ``gateway``, ``interface`` and ``nextHops``. Of a route that has an object
  /// these are not sent.
  public var nextHopID: NextHopID? {
    get { details.value.nextHopID }
    set { if hasDetails || newValue != nil { details.value.nextHopID = newValue } }
  }

  /// What packets are wrapped in on the way (`RTA_ENCAP`); nil for nothing.
  public var encapsulation: RouteEncapsulation? {
    get { details.value.encapsulation }
    set { if hasDetails || newValue != nil { details.value.encapsulation = newValue } }
  }

  /// Classes for accounting, IPv4 only: that of the source in the upper 16 bits, of the destination in the lower ones
  /// (`RTA_FLOW`); nil for none.
  public var realms: UInt32? {
    get { details.value.realms }
    set { if hasDetails || newValue != nil { details.value.realms = newValue } }
  }

  /// When the route ends by itself, in seconds from now, IPv6 only (`RTA_EXPIRES`); nil for never.
  ///
  /// As it is read it is what is left, rounded up.
  public var lifetime: UInt32? {
    get { details.value.lifetime }
    set { if hasDetails || newValue != nil { details.value.lifetime = newValue } }
  }

  /// How it was used, as far as the kernel counts (`RTA_CACHEINFO`); nil when it does not say.
  ///
  /// Not sent.
  public var cacheInfo: RouteCacheInfo? {
    get { details.value.cacheInfo ?? (hasIdleCacheInfo ? RouteCacheInfo() : nil) }
    set {
      hasIdleCacheInfo = newValue == RouteCacheInfo()
      if hasDetails || newValue != nil { details.value.cacheInfo = hasIdleCacheInfo ? nil : newValue }
    }
  }

  /// Of the answer of a look-up: the link that the packet came in through (`RTA_IIF`).
  ///
  /// Not sent.
  public var inputInterface: InterfaceIndex? {
    get { details.value.inputInterface }
    set { if hasDetails || newValue != nil { details.value.inputInterface = newValue } }
  }

  /// Of the answer of a look-up: the packet's mark (`RTA_MARK`).
  ///
  /// Not sent.
  public var mark: UInt32? {
    get { details.value.mark }
    set { if hasDetails || newValue != nil { details.value.mark = newValue } }
  }

  /// Of the answer of a look-up: the user whose packet it is (`RTA_UID`).
  ///
  /// Not sent.
  public var userID: UInt32? {
    get { details.value.userID }
    set { if hasDetails || newValue != nil { details.value.userID = newValue } }
  }

  /// What the kernel sent besides (`RTA_...`).
  ///
  /// Not sent.
  public var otherAttributes: RawAttributes {
    get { details.value.otherAttributes }
    set { if hasDetails || !newValue.isEmpty { details.value.otherAttributes = newValue } }
  }

  private var hasDetails: Bool { !details.isEmpty }
}
