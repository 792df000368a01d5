// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import NetworkTypes

/// What is to change about a link.
///
/// What is nil stays as it is; of the flags only those named are touched.
///
/// The kernel makes the changes one after the other and stops at the first that fails; those before it stay.
public struct LinkChanges: Sendable {
  /// The new name.
  ///
  /// Kernels before 6.2 refuse it (`busy`) while the link is up.
  public var name: InterfaceName?
  /// The new MTU in bytes.
  public var mtu: UInt32?
  /// The new link-layer address.
  public var address: MACAddress?
  /// Up or down.
  public var isUp: Bool?
  /// Whether it resolves neighbours by ARP.
  public var isARPEnabled: Bool?
  /// The new text, up to 255 bytes; empty to take it away.
  public var alias: String?
  /// Where to move it.
  ///
  /// It arrives down, without addresses and routes, perhaps under another index.
  public var namespace: NetworkNamespace?
  /// The index it gets where it is moved to; nil for the present one, or another when that is taken there.
  ///
  /// Without ``namespace`` the change is refused: a link keeps its index while it stays.
  public var newIndex: InterfaceIndex?
  /// The bridge or bond it becomes a port of; `.some(nil)` for none.
  public var master: InterfaceIndex??
  /// The group it is put in.
  public var group: LinkGroup?
  /// Whether it takes packets for every address.
  ///
  /// Off takes back what was switched on like this; capturing programs and bridges have a switch of their own.
  public var isPromiscuous: Bool?
  /// Whether it takes all multicast packets.
  public var isAllMulticast: Bool?
  /// Whether it can multicast.
  public var isMulticast: Bool?
  /// How many packets a queue for sending holds where the queueing discipline does not say.
  public var transmitQueueLength: UInt32?
  /// How large packets may be before they are cut up, and become when they are put together.
  public var segmentation = SegmentationLimits()
  /// The link-layer address that reaches everybody on it.
  public var broadcastAddress: MACAddress?
  /// Who decides whether it may carry packets.
  public var mode: LinkMode?
  /// Whether it may carry packets, where ``mode`` leaves that to a program: ``OperationalState/up`` or
  /// ``OperationalState/dormant``.
  public var operationalState: OperationalState?
  /// Whether it has a carrier.
  ///
  /// Few kinds can be told, `dummy` among them; others refuse it (`notSupported`).
  public var hasCarrier: Bool?
  /// Whether a protocol holds it down.
  ///
  /// Few kinds can be told, `macvlan` and `vxlan` among them; others refuse it (`notSupported`).
  public var isProtocolDown: Bool?

  /// The settings of its kind that change: those that are not nil.
  ///
  /// A link of another kind is `notSupported`. They are changed before everything else.
  public var settings: LinkSettings?
  /// The settings that change of the port it is: those that are not nil.
  ///
  /// It must be a port already, in another request than ``master``, and of what this says: the kernel does not compare, and
  /// would take a bridge port's numbers for a bond port's. A link that is no port is `notSupported`. They are changed before
  /// everything but ``settings``.
  public var port: LinkPort?

  /// How it makes its IPv6 addresses; what it has made already stays.
  ///
  /// The kernel sets a link up before it looks at this: a link that is to have none is told before it is set up, in a
  /// request of its own.
  public var ipv6AddressGeneration: IPv6AddressGeneration?

  /// Describes changes.
  ///
  /// - Parameters:
  ///   - name: the new name.
  ///   - mtu: the new MTU in bytes.
  ///   - address: the new link-layer address.
  ///   - isUp: up or down.
  ///   - isARPEnabled: whether it resolves neighbours by ARP.
  ///   - alias: the new text, up to 255 bytes; empty to take it away.
  ///   - namespace: where to move it.
  ///   - master: the bridge or bond it becomes a port of; `.some(nil)` for none.
  ///   - newIndex: the index it gets where it is moved to.
  ///   - group: the group it is put in.
  ///   - isPromiscuous: whether it takes packets for every address.
  ///   - isAllMulticast: whether it takes all multicast packets.
  ///   - isMulticast: whether it can multicast.
  ///   - transmitQueueLength: how many packets a queue for sending holds.
  ///   - segmentation: how large packets may be before they are cut up, and become when they are put together.
  ///   - broadcastAddress: the link-layer address that reaches everybody on it.
  ///   - mode: who decides whether it may carry packets.
  ///   - operationalState: whether it may carry packets, where that is left to a program.
  ///   - hasCarrier: whether it has a carrier.
  ///   - isProtocolDown: whether a protocol holds it down.
  ///   - ipv6AddressGeneration: how it makes its IPv6 addresses.
  ///   - settings: the settings of its kind that change.
  ///   - port: the settings that change of the port it is.
  public init(
    name: InterfaceName? = nil, mtu: UInt32? = nil, address: MACAddress? = nil, isUp: Bool? = nil,
    isARPEnabled: Bool? = nil, alias: String? = nil, namespace: NetworkNamespace? = nil,
    master: InterfaceIndex?? = nil, newIndex: InterfaceIndex? = nil, group: LinkGroup? = nil,
    isPromiscuous: Bool? = nil, isAllMulticast: Bool? = nil, isMulticast: Bool? = nil,
    transmitQueueLength: UInt32? = nil, segmentation: SegmentationLimits = SegmentationLimits(),
    broadcastAddress: MACAddress? = nil, mode: LinkMode? = nil, operationalState: OperationalState? = nil,
    hasCarrier: Bool? = nil, isProtocolDown: Bool? = nil, ipv6AddressGeneration: IPv6AddressGeneration? = nil,
    settings: LinkSettings? = nil, port: LinkPort? = nil
  ) {
    self.name = name
    self.mtu = mtu
    self.address = address
    self.isUp = isUp
    self.isARPEnabled = isARPEnabled
    self.alias = alias
    self.namespace = namespace
    self.master = master
    self.newIndex = newIndex
    self.group = group
    self.isPromiscuous = isPromiscuous
    self.isAllMulticast = isAllMulticast
    self.isMulticast = isMulticast
    self.transmitQueueLength = transmitQueueLength
    self.segmentation = segmentation
    self.broadcastAddress = broadcastAddress
    self.mode = mode
    self.operationalState = operationalState
    self.hasCarrier = hasCarrier
    self.isProtocolDown = isProtocolDown
    self.ipv6AddressGeneration = ipv6AddressGeneration
    self.settings = settings
    self.port = port
  }

  /// The flags to touch, and what they become.
  var flags: (values: LinkFlags, mask: LinkFlags) {
    var values: LinkFlags = []
    var mask: LinkFlags = []
    func set(_ flag: LinkFlags, _ isOn: Bool?) {
      guard let isOn else { return }
      mask.insert(flag)
      if isOn { values.insert(flag) }
    }
    set(.up, isUp)
    set(.noARP, isARPEnabled.map { !$0 })
    set(.promiscuous, isPromiscuous)
    set(.allMulticast, isAllMulticast)
    set(.multicast, isMulticast)
    return (values, mask)
  }
}
