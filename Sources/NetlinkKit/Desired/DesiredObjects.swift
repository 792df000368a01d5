// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A link that is to be there.
public struct DesiredLink: Sendable {
  /// Its name.
  public var name: InterfaceName
  /// How it is created when it is absent; nil for a link that somebody else makes.
  ///
  /// One that is there and bears the owner's mark is kept when its kind and what is given of the kind's settings are
  /// the same, and made anew when they are not.
  public var creation: NewLink?
  /// The name it is created under, and has until it gets its own; nil for its own from the first.
  ///
  /// Before Linux 6.15 a link whose parent lies in another namespace cannot be created under a name that is taken there.
  public var birthName: InterfaceName?
  /// What else shall be true of it, such as that it is up.
  ///
  /// Only what is given counts. An alias that is not given is the owner's prefix and the link's name.
  public var settings: LinkChanges
  /// The link it lies on, by name; nil when the index in ``creation`` says so already.
  ///
  /// For one that is created in the same state, and has no index yet.
  public var parent: InterfaceName?
  /// The bridge or bond it is a port of, by name; nil when that is of no interest.
  public var master: InterfaceName?
  /// Whether one of the owner's that is of another kind, or has other settings of the kind, is removed and made anew;
  /// otherwise it is a conflict.
  public var isReplaceable = true

  /// A link that is created when it is absent.
  ///
  /// - Parameters:
  ///   - link: the link. What it says of MTU, address, group and the like is to be true later, too. It is created down, and
  ///     set up when filters and addresses are in place. Its namespace must be the socket's own (nil).
  ///   - parent: the link it lies on, by name, when that is created in the same state.
  ///   - master: the bridge or bond it is a port of, by name.
  ///   - isARPEnabled: whether it resolves neighbours by ARP; nil when that is of no interest.
  public init(
    _ link: NewLink, parent: InterfaceName? = nil, master: InterfaceName? = nil, isARPEnabled: Bool? = nil
  ) {
    name = link.name
    creation = link
    settings = LinkChanges(
      mtu: link.mtu, address: link.address, isUp: link.isUp ? true : nil, isARPEnabled: isARPEnabled, alias: link.alias,
      master: link.master.map { .some($0) }, group: link.group, transmitQueueLength: link.transmitQueueLength,
      segmentation: link.segmentation, broadcastAddress: link.broadcastAddress)
    self.parent = parent
    self.master = master
  }

  /// A link that somebody else makes, and that is to be like this.
  ///
  /// It is never created or removed; one that is absent is an error. Its alias is left alone unless one is given.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - settings: what shall be true of it.
  ///   - master: the bridge or bond it is a port of, by name.
  public init(existing name: InterfaceName, _ settings: LinkChanges = LinkChanges(), master: InterfaceName? = nil) {
    self.name = name
    self.settings = settings
    self.master = master
  }
}

/// An address that is to be on a link.
public struct DesiredAddress: Sendable, Hashable {
  /// The link.
  public var link: InterfaceName
  /// The address; its index does not count.
  public private(set) var address: InterfaceAddress

  /// An address on a link.
  ///
  /// - Parameters:
  ///   - address: the address itself.
  ///   - prefixLength: how many bits of it are the network, 0...32 or 0...128.
  ///   - link: the link.
  ///   - scope: how far it is valid. IPv6 derives it from the address.
  ///   - flags: such as `noDAD`; flags that are not given are of no interest.
  public init(
    _ address: IPAddress, prefixLength: Int, on link: InterfaceName, scope: RouteScope = .universe,
    flags: AddressFlags = []
  ) {
    self.init(
      InterfaceAddress(index: .loopback, address: address, prefixLength: prefixLength, scope: scope, flags: flags),
      on: link)
  }

  /// An address with all its settings on a link.
  ///
  /// - Parameters:
  ///   - address: the address; its index does not count.
  ///   - link: the link.
  public init(_ address: InterfaceAddress, on link: InterfaceName) {
    self.link = link
    self.address = address
    self.address.index = .loopback
  }
}

/// A neighbour that is to be known on a link.
public struct DesiredNeighbour: Sendable, Hashable {
  /// The link.
  public var link: InterfaceName
  /// The neighbour; its index does not count.
  public private(set) var neighbour: Neighbour

  /// A permanent neighbour, or with a nil link-layer address an entry that this machine answers for (proxy).
  ///
  /// - Parameters:
  ///   - address: its address.
  ///   - linkLayerAddress: its link-layer address; nil for a proxy entry.
  ///   - link: the link.
  public init(_ address: IPAddress, linkLayerAddress: MACAddress?, on link: InterfaceName) {
    self.init(
      Neighbour(
        interface: .loopback, address: address, linkLayerAddress: linkLayerAddress, state: .permanent,
        isProxy: linkLayerAddress == nil), on: link)
  }

  /// A neighbour with all its settings on a link.
  ///
  /// - Parameters:
  ///   - neighbour: the neighbour; its index does not count.
  ///   - link: the link.
  public init(_ neighbour: Neighbour, on link: InterfaceName) {
    self.link = link
    self.neighbour = neighbour
    self.neighbour.interface = .loopback
  }
}

/// A route that is to be there.
public struct DesiredRoute: Sendable, Hashable {
  /// The link to send through; nil when ``route`` says so by index, or needs none.
  public var link: InterfaceName?
  /// The route; its index does not count when ``link`` is given.
  public private(set) var route: Route

  /// A route.
  ///
  /// - Parameters:
  ///   - route: the route. Its protocol becomes the owner's. The links of several next hops are named by index.
  ///   - link: the link to send through, when it has no index yet or that may change.
  public init(_ route: Route, on link: InterfaceName? = nil) {
    self.link = link
    self.route = route
    if link != nil { self.route.interface = nil }
  }
}

/// A BPF program that is to be attached at a link's clsact.
public struct DesiredFilter: Sendable, Hashable {
  /// The link.
  public var link: InterfaceName
  /// The program and its place; its index does not count.
  ///
  /// The name it is listed under begins with the owner's prefix, which is added where it is missing.
  public private(set) var filter: BPFFilter
  /// The kernel's number for the program; nil when any program of that name will do.
  public var programIdentifier: UInt32?

  /// A program at a link.
  ///
  /// - Parameters:
  ///   - filter: the program and its place; its index does not count. Keep the descriptor open while the state is used.
  ///   - link: the link.
  ///   - programIdentifier: the kernel's number for the program (`bpf_prog_info.id`); nil when any program of that name
  ///     will do.
  public init(_ filter: BPFFilter, on link: InterfaceName, programIdentifier: UInt32? = nil) {
    self.link = link
    self.filter = filter
    self.filter.interface = .loopback
    self.programIdentifier = programIdentifier
  }
}
