// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A filter: to attach one, and as read back.
///
/// Filters hang on queueing disciplines that have classes, on some classes, and at `clsact`. They look at each packet in
/// the order of their ``priority``, and choose a class for it, or do something with it.
public struct TrafficFilter: Sendable, Hashable {
  /// Where filters hang.
  public enum Place: Sendable, Hashable {
    /// On a queueing discipline or a class of a link, or at its `clsact`.
    case link(InterfaceIndex, parent: TrafficHandle)
    /// In a block that several `clsact` share (``Qdisc/ingressBlock``).
    ///
    /// - Requires: Linux 4.16.
    case block(UInt32)
  }

  /// Where it hangs.
  public var place: Place
  /// Its place in the line, 1...65535; lower comes first.
  ///
  /// All filters of one priority are of one kind and protocol. When one is added, 0 lets the kernel choose, from 49152 down.
  public var priority: UInt16
  /// The kind of packets it is for, as an Ethernet type such as 0x0800; 3 for all (`ETH_P_ALL`).
  public var etherType: UInt16
  /// The chain it is in; packets begin with chain 0, and get to others by ``TrafficVerdict/goToChain(_:)``.
  ///
  /// - Requires: Linux 4.13 for others than 0.
  public var chain: UInt32
  /// Its number among those of that priority, by the rules of the kind; 0 lets the kernel choose when one is added.
  public var handle: UInt32
  /// Its kind, and the settings of that kind.
  public var settings: FilterSettings
  /// The class it chooses; nil for none.
  public var classID: TrafficHandle?
  /// Where it works: in software or hardware; nil when it is not said.
  public var offload: FilterOffload?
  /// What it does with packets, in this order.
  public var actions: [TrafficAction]
  /// What the kernel sent in `TCA_OPTIONS` besides; not sent.
  public var otherOptions = RawAttributes()
  /// What the kernel sent besides (`TCA_...`); not sent.
  public var otherAttributes = RawAttributes()

  /// Whether the kernel said which chain it is in; those before 4.13 do not.
  var saysChain = false

  /// `ETH_P_ALL`: packets of every kind.
  public static let allEtherTypes: UInt16 = 3

  /// Describes a filter.
  ///
  /// - Parameters:
  ///   - place: where it hangs.
  ///   - priority: its place in the line, 1...65535; 0 lets the kernel choose when it is added.
  ///   - etherType: the kind of packets it is for, as an Ethernet type; 3 for all.
  ///   - chain: the chain it is in.
  ///   - handle: its number among those of that priority; 0 lets the kernel choose when it is added.
  ///   - settings: its kind, and the settings of that kind.
  ///   - classID: the class it chooses; nil for none.
  ///   - offload: where it works; nil to leave it to the kernel.
  ///   - actions: what it does with packets, in this order.
  public init(
    at place: Place, priority: UInt16, etherType: UInt16 = TrafficFilter.allEtherTypes, chain: UInt32 = 0,
    handle: UInt32 = 0, settings: FilterSettings, classID: TrafficHandle? = nil, offload: FilterOffload? = nil,
    actions: [TrafficAction] = []
  ) {
    self.place = place
    self.priority = priority
    self.etherType = etherType
    self.chain = chain
    self.handle = handle
    self.settings = settings
    self.classID = classID
    self.offload = offload
    self.actions = actions
  }

  /// Describes a filter of a link.
  ///
  /// - Parameters:
  ///   - interface: the link.
  ///   - parent: what it hangs on, such as ``TrafficHandle/clsactEgress``.
  ///   - priority: its place in the line, 1...65535; 0 lets the kernel choose when it is added.
  ///   - etherType: the kind of packets it is for, as an Ethernet type; 3 for all.
  ///   - chain: the chain it is in.
  ///   - handle: its number among those of that priority; 0 lets the kernel choose when it is added.
  ///   - settings: its kind, and the settings of that kind.
  ///   - classID: the class it chooses; nil for none.
  ///   - offload: where it works; nil to leave it to the kernel.
  ///   - actions: what it does with packets, in this order.
  public init(
    on interface: InterfaceIndex, at parent: TrafficHandle, priority: UInt16,
    etherType: UInt16 = TrafficFilter.allEtherTypes, chain: UInt32 = 0, handle: UInt32 = 0, settings: FilterSettings,
    classID: TrafficHandle? = nil, offload: FilterOffload? = nil, actions: [TrafficAction] = []
  ) {
    self.init(
      at: .link(interface, parent: parent), priority: priority, etherType: etherType, chain: chain, handle: handle,
      settings: settings, classID: classID, offload: offload, actions: actions)
  }

  /// The link it hangs on; nil when it is in a block.
  public var interface: InterfaceIndex? { if case .link(let interface, _) = place { interface } else { nil } }
  /// What it hangs on; nil when it is in a block.
  public var parent: TrafficHandle? { if case .link(_, let parent) = place { parent } else { nil } }
  /// The block it is in; nil when it hangs on a link.
  public var block: UInt32? { if case .block(let block) = place { block } else { nil } }
  /// Which packets it sees at `clsact`; nil when it hangs elsewhere.
  public var direction: TrafficDirection? { parent.flatMap { TrafficDirection(parent: $0) } }
  /// Its kind, by the kernel's name, such as `bpf` or `u32`.
  public var kind: String { settings.name }
  /// The BPF program; nil for other kinds.
  public var program: FilterSettings.BPF? { if case .bpf(let program) = settings { program } else { nil } }

  /// The BPF program of a filter.
  public typealias Program = FilterSettings.BPF
}

/// Where a filter works (`TCA_CLS_FLAGS_...`).
public struct FilterOffload: OptionSet, Sendable, Hashable {
  /// The kernel's bits.
  public let rawValue: UInt32

  /// Makes a set from the kernel's bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Not in hardware.
  public static let skipHardware = FilterOffload(rawValue: 1 << 0)
  /// Not in software.
  public static let skipSoftware = FilterOffload(rawValue: 1 << 1)
  /// It is in hardware; read only.
  public static let inHardware = FilterOffload(rawValue: 1 << 2)
  /// It is not in hardware; read only.
  public static let notInHardware = FilterOffload(rawValue: 1 << 3)
  /// The kernel says why it is not in hardware.
  public static let verbose = FilterOffload(rawValue: 1 << 4)
}

extension TrafficFilter.Place: CustomStringConvertible {
  /// The place in words, such as `ffff:fff2 of link 3`.
  public var description: String {
    switch self {
    case .link(let interface, .clsactIngress): "ingress of link \(interface)"
    case .link(let interface, .clsactEgress): "egress of link \(interface)"
    case .link(let interface, let parent): "\(parent) of link \(interface)"
    case .block(let block): "block \(block)"
    }
  }
}
