// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What passes between the kernel and a program through a tun device (`IFLA_TUN_TYPE`).
public struct TunLayer: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a layer from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// IP packets (`IFF_TUN`).
  public static let tun = TunLayer(rawValue: 1)
  /// Ethernet frames (`IFF_TAP`).
  public static let tap = TunLayer(rawValue: 2)

  /// The layer in `ip tuntap`'s words.
  public var description: String { rawValue == 1 ? "tun" : rawValue == 2 ? "tap" : "\(rawValue)" }
}

/// The settings of a tun or tap device: to make one with ``TunDevice``, and as read back in ``LinkKind/tun(_:)``.
public struct TunSettings: Sendable, Hashable {
  /// What passes through it (`IFLA_TUN_TYPE`).
  public var layer: TunLayer
  /// The user that may open it without privilege; nil for none (`IFLA_TUN_OWNER`).
  public var owner: UInt32?
  /// The group whose members may open it without privilege; nil for none (`IFLA_TUN_GROUP`).
  public var group: UInt32?
  /// Whether it stays when no program has it open (`IFLA_TUN_PERSIST`).
  public var isPersistent: Bool
  /// Whether it can be opened several times, once for each queue (`IFLA_TUN_MULTI_QUEUE`).
  public var isMultiQueue: Bool
  /// Whether each packet has four bytes in front that say its protocol (`IFLA_TUN_PI`).
  public var hasPacketInformation: Bool
  /// Whether each packet has a `struct virtio_net_hdr` in front (`IFLA_TUN_VNET_HDR`).
  public var hasVirtioHeader: Bool
  /// How many queues are open, where there can be several; only read (`IFLA_TUN_NUM_QUEUES`).
  public internal(set) var queueCount: UInt32?
  /// How many queues were switched off, where there can be several; only read (`IFLA_TUN_NUM_DISABLED_QUEUES`).
  public internal(set) var disabledQueueCount: UInt32?

  /// Describes settings.
  ///
  /// - Parameters:
  ///   - layer: what passes through it.
  ///   - owner: the user that may open it without privilege.
  ///   - group: the group whose members may open it without privilege.
  ///   - isPersistent: whether it stays when no program has it open.
  ///   - isMultiQueue: whether it can be opened several times, once for each queue.
  ///   - hasPacketInformation: whether each packet has four bytes in front that say its protocol.
  ///   - hasVirtioHeader: whether each packet has a `struct virtio_net_hdr` in front.
  public init(
    layer: TunLayer = .tap, owner: UInt32? = nil, group: UInt32? = nil, isPersistent: Bool = false,
    isMultiQueue: Bool = false, hasPacketInformation: Bool = false, hasVirtioHeader: Bool = false
  ) {
    self.layer = layer
    self.owner = owner
    self.group = group
    self.isPersistent = isPersistent
    self.isMultiQueue = isMultiQueue
    self.hasPacketInformation = hasPacketInformation
    self.hasVirtioHeader = hasVirtioHeader
  }

  /// What `TUNSETIFF` takes: `IFF_TUN` or `IFF_TAP`, `IFF_NO_PI` and so on.
  var interfaceFlags: UInt16 {
    var flags = UInt16(layer.rawValue)
    if isMultiQueue { flags |= 0x0100 }
    if !hasPacketInformation { flags |= 0x1000 }
    if hasVirtioHeader { flags |= 0x4000 }
    return flags
  }
}

extension TunSettings: LinkData {
  /// A tap device that goes with its program, one packet after the other without headers.
  public init() { self.init(layer: .tap) }

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_TUN_TYPE): layer = TunLayer(rawValue: try datagram.value(attribute))
    case Int(IFLA_TUN_OWNER): owner = try datagram.value(attribute)
    case Int(IFLA_TUN_GROUP): group = try datagram.value(attribute)
    case Int(IFLA_TUN_PERSIST): isPersistent = try datagram.isOn(attribute)
    case Int(IFLA_TUN_MULTI_QUEUE): isMultiQueue = try datagram.isOn(attribute)
    case Int(IFLA_TUN_PI): hasPacketInformation = try datagram.isOn(attribute)
    case Int(IFLA_TUN_VNET_HDR): hasVirtioHeader = try datagram.isOn(attribute)
    case Int(IFLA_TUN_NUM_QUEUES): queueCount = try datagram.value(attribute)
    case Int(IFLA_TUN_NUM_DISABLED_QUEUES): disabledQueueCount = try datagram.value(attribute)
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_TUN_TYPE), layer.rawValue)
    writer.put(Int(IFLA_TUN_OWNER), ifSet: owner)
    writer.put(Int(IFLA_TUN_GROUP), ifSet: group)
    writer.put(Int(IFLA_TUN_PERSIST), ifSet: isPersistent)
    writer.put(Int(IFLA_TUN_MULTI_QUEUE), ifSet: isMultiQueue)
    writer.put(Int(IFLA_TUN_PI), ifSet: hasPacketInformation)
    writer.put(Int(IFLA_TUN_VNET_HDR), ifSet: hasVirtioHeader)
    writer.put(Int(IFLA_TUN_NUM_QUEUES), ifSet: queueCount)
    writer.put(Int(IFLA_TUN_NUM_DISABLED_QUEUES), ifSet: disabledQueueCount)
  }
}
