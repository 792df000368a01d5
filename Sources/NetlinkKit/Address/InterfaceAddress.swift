// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An address on a link.
public struct InterfaceAddress: Sendable, Hashable {
  /// The link's index.
  public var index: InterfaceIndex
  /// The address itself.
  public var address: IPAddress
  /// How many bits of it are the network, 0...32 or 0...128.
  public var prefixLength: Int
  /// How far it is valid.
  ///
  /// IPv6 derives it from the address, whatever is asked for.
  public var scope: RouteScope
  /// What is true of it.
  public var flags: AddressFlags
  /// The name it is listed under, IPv4 only: the link's name, or that with `:` and more; nil for the link's name.
  public var label: String?
  /// The address of the other end of a point-to-point link; nil on others.
  public var peer: IPAddress?
  /// The broadcast address, IPv4 only; nil for none.
  public var broadcast: IPv4Address?
  /// How long it lasts.
  public var lifetime: AddressLifetime
  /// The priority of the route to its network, which comes with it (`IFA_RT_PRIORITY`); nil for the kernel's default.
  public var priority: UInt32?
  /// Who put it there (`IFA_PROTO`); nil when nobody said.
  public var `protocol`: AddressProtocol?
  /// When it was made and last changed; nil when the kernel did not say.
  ///
  /// Not sent.
  public var times: AddressTimes?
  /// What the kernel sent besides (`IFA_...`).
  ///
  /// Not sent.
  public var otherAttributes = RawAttributes()

  /// Describes an address.
  ///
  /// - Parameters:
  ///   - index: the link's index.
  ///   - address: the address itself.
  ///   - prefixLength: how many bits of it are the network, 0...32 or 0...128.
  ///   - scope: how far it is valid.
  ///   - flags: such as `noDAD`.
  ///   - label: the name it is listed under, IPv4 only: the link's name, or that with `:` and more, up to 15 bytes.
  ///   - peer: the address of the other end of a point-to-point link.
  ///   - broadcast: the broadcast address, IPv4 only.
  ///   - lifetime: how long it lasts.
  ///   - priority: the priority of the route to its network; nil for the kernel's default.
  ///   - protocol: who puts it there; nil to leave it open.
  public init(
    index: InterfaceIndex, address: IPAddress, prefixLength: Int, scope: RouteScope = .universe,
    flags: AddressFlags = [], label: String? = nil, peer: IPAddress? = nil, broadcast: IPv4Address? = nil,
    lifetime: AddressLifetime = .forever, priority: UInt32? = nil, protocol: AddressProtocol? = nil
  ) {
    self.index = index
    self.address = address
    self.prefixLength = prefixLength
    self.scope = scope
    self.flags = flags
    self.label = label
    self.peer = peer
    self.broadcast = broadcast
    self.lifetime = lifetime
    self.priority = priority
    self.protocol = `protocol`
  }

  /// The address without what only the kernel says: times, unknown attributes, and the flags that it sets by itself.
  ///
  /// An address that is listed has the settings of the one that was added, but IPv4 gives it a ``label``, IPv6 a ``scope``
  /// of its own, and a ``lifetime`` passes.
  public var settings: InterfaceAddress {
    var settings = self
    settings.flags.formIntersection([
      .noDAD, .optimistic, .homeAddress, .managesTemporary, .noPrefixRoute, .joinsMulticast,
    ])
    settings.times = nil
    settings.otherAttributes = RawAttributes()
    return settings
  }
}

/// How long an address lasts, in seconds from now (`struct ifa_cacheinfo`).
public struct AddressLifetime: Sendable, Hashable {
  /// How long it is chosen for new connections, 0 for no longer, at most as long as it is valid; nil for ever.
  public var preferred: UInt32?
  /// After what time the kernel removes it, not 0; nil for never.
  public var valid: UInt32?

  /// Describes a life.
  ///
  /// - Parameters:
  ///   - preferred: how long it is chosen for new connections, at most `valid`; nil for ever.
  ///   - valid: after what time the kernel removes it, not 0; nil for never.
  public init(preferred: UInt32? = nil, valid: UInt32? = nil) {
    self.preferred = preferred
    self.valid = valid
  }

  /// No end.
  public static let forever = AddressLifetime()
}

/// When an address was made and last changed, in hundredths of a second since the machine started.
public struct AddressTimes: Sendable, Hashable {
  /// When it was made.
  public var created: UInt32
  /// When it was last changed.
  public var updated: UInt32
}

/// Who put an address there (`IFAPROT_...`, Linux 5.18).
public struct AddressProtocol: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a tag from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Makes a tag from the kernel's number.
  public init(_ rawValue: UInt8) { self.rawValue = rawValue }

  /// The kernel, on the loopback.
  public static let kernelLoopback = AddressProtocol(1)
  /// The kernel, because of a router advertisement.
  public static let kernelRouterAdvertisement = AddressProtocol(2)
  /// The kernel, for the link alone.
  public static let kernelLinkLocal = AddressProtocol(3)

  /// The tag in `ip addr`'s words.
  public var description: String {
    switch rawValue {
    case 0: "unspecified"
    case 1: "kernel_lo"
    case 2: "kernel_ra"
    case 3: "kernel_ll"
    default: "\(rawValue)"
    }
  }
}
