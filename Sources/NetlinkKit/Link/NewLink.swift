// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import NetworkTypes

/// A link that is to be created.
public struct NewLink: Sendable, Hashable {
  /// Its name.
  public var name: InterfaceName
  /// Its kind and the settings of that kind.
  ///
  /// A parent is looked up in the namespace of the socket.
  public var kind: LinkKind
  /// Its MTU in bytes; nil for the kernel's choice, which is the parent's where there is one.
  public var mtu: UInt32?
  /// Its link-layer address; nil for the kernel's choice.
  public var address: MACAddress?
  /// Whether it is born up.
  public var isUp: Bool
  /// Text to attach to it, up to 255 bytes.
  public var alias: String?
  /// Where it is born, under its name and never seen anywhere else; nil in the socket's namespace.
  public var namespace: NetworkNamespace?
  /// The id of the namespace that the kind's parent is looked up in; nil for the socket's own.
  ///
  /// So a socket of a pod's namespace makes a link on the host's device; see ``NetlinkSocket/namespaceIDs``.
  public var parentNamespaceID: NamespaceID?
  /// The index it gets; nil for the kernel's choice.
  public var index: InterfaceIndex?
  /// The bridge or bond that it is born a port of, by its index in the namespace where the link is born.
  public var master: InterfaceIndex?
  /// The group it is in.
  public var group: LinkGroup?
  /// How many queues it has for sending, 1...4096; nil for the kind's choice.
  public var transmitQueueCount: UInt32?
  /// How many queues it has for receiving, 1...4096; nil for the kind's choice.
  public var receiveQueueCount: UInt32?
  /// How many packets a queue for sending holds where the queueing discipline does not say; nil for the kind's choice.
  public var transmitQueueLength: UInt32?
  /// How large packets may be before they are cut up, and become when they are put together.
  public var segmentation: SegmentationLimits
  /// The link-layer address that reaches everybody on it; nil for the kind's choice.
  public var broadcastAddress: MACAddress?

  /// Describes a link.
  ///
  /// - Parameters:
  ///   - name: its name, free in the namespace where it is born.
  ///   - kind: its kind and the settings of that kind.
  ///   - mtu: its MTU in bytes; nil for the kernel's choice.
  ///   - address: its link-layer address; nil for the kernel's choice.
  ///   - isUp: whether it is born up.
  ///   - alias: text to attach to it, up to 255 bytes.
  ///   - namespace: where it is born; nil in the socket's namespace.
  ///   - index: the index it gets, free in the namespace where it is born; nil for the kernel's choice.
  ///   - master: the bridge or bond that it is born a port of, by its index in the namespace where it is born.
  ///   - group: the group it is in.
  ///   - transmitQueueCount: how many queues it has for sending, 1...4096.
  ///   - receiveQueueCount: how many queues it has for receiving, 1...4096.
  ///   - transmitQueueLength: how many packets a queue for sending holds.
  ///   - segmentation: how large packets may be before they are cut up, and become when they are put together.
  ///   - broadcastAddress: the link-layer address that reaches everybody on it.
  ///   - parentNamespaceID: the id of the namespace that the kind's parent is looked up in; nil for the socket's own.
  public init(
    name: InterfaceName, kind: LinkKind, mtu: UInt32? = nil, address: MACAddress? = nil, isUp: Bool = false,
    alias: String? = nil, namespace: NetworkNamespace? = nil, index: InterfaceIndex? = nil,
    master: InterfaceIndex? = nil, group: LinkGroup? = nil, transmitQueueCount: UInt32? = nil,
    receiveQueueCount: UInt32? = nil, transmitQueueLength: UInt32? = nil,
    segmentation: SegmentationLimits = SegmentationLimits(), broadcastAddress: MACAddress? = nil,
    parentNamespaceID: NamespaceID? = nil
  ) {
    self.name = name
    self.kind = kind
    self.mtu = mtu
    self.address = address
    self.isUp = isUp
    self.alias = alias
    self.namespace = namespace
    self.index = index
    self.master = master
    self.group = group
    self.transmitQueueCount = transmitQueueCount
    self.receiveQueueCount = receiveQueueCount
    self.transmitQueueLength = transmitQueueLength
    self.segmentation = segmentation
    self.broadcastAddress = broadcastAddress
    self.parentNamespaceID = parentNamespaceID
  }

  /// Whether both describe the same link, in the same namespace.
  public static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.kind == right.kind && left.mtu == right.mtu && left.address == right.address
      && left.isUp == right.isUp && left.alias == right.alias
      && left.namespace?.identity == right.namespace?.identity && left.index == right.index
      && left.master == right.master && left.group == right.group
      && left.transmitQueueCount == right.transmitQueueCount && left.receiveQueueCount == right.receiveQueueCount
      && left.transmitQueueLength == right.transmitQueueLength && left.segmentation == right.segmentation
      && left.broadcastAddress == right.broadcastAddress && left.parentNamespaceID == right.parentNamespaceID
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(kind)
    hasher.combine(mtu)
    hasher.combine(address)
    hasher.combine(isUp)
    hasher.combine(alias)
    hasher.combine(namespace?.identity)
    hasher.combine(index)
    hasher.combine(master)
    hasher.combine(group)
    hasher.combine(transmitQueueCount)
    hasher.combine(receiveQueueCount)
    hasher.combine(transmitQueueLength)
    hasher.combine(segmentation)
    hasher.combine(broadcastAddress)
    hasher.combine(parentNamespaceID)
  }
}

extension NewLink {
  /// Whether creating it takes requests beyond `RTM_NEWLINK`.
  var needsMore: Bool {
    alias != nil || kind.peer?.isUp == true
  }
}
