// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A queueing discipline of a link: to make one, and as read back.
public struct Qdisc: Sendable, Hashable {
  /// The link's index.
  public var interface: InterfaceIndex
  /// What it hangs on: ``TrafficHandle/root``, ``TrafficHandle/clsact``, or a class of another.
  public var parent: TrafficHandle
  /// Its number, with minor 0; unspecified to let the kernel choose, and of one that the kernel made itself.
  public var handle: TrafficHandle
  /// Its kind, and the settings of that kind.
  public var settings: QdiscSettings
  /// The block of filters that it shares with others for what comes in (`TCA_INGRESS_BLOCK`); nil for filters of its own.
  ///
  /// - Requires: `clsact` or `ingress`; Linux 4.16.
  public var ingressBlock: UInt32?
  /// The block of filters that it shares with others for what goes out (`TCA_EGRESS_BLOCK`); nil for filters of its own.
  ///
  /// - Requires: `clsact`; Linux 4.16.
  public var egressBlock: UInt32?
  /// How many hold on to it; not sent.
  public var referenceCount: UInt32 = 0
  /// Whether the device does the work (`TCA_HW_OFFLOAD`); not sent.
  public var isOffloaded: Bool?
  /// What passed it; not sent.
  public var statistics: TrafficStatistics?
  /// What the kernel sent in `TCA_OPTIONS` besides; not sent.
  public var otherOptions = RawAttributes()
  /// Whether there were options, of a kind that has none to say.
  var saysOptions = false
  /// What the kernel sent besides (`TCA_...`); not sent.
  public var otherAttributes = RawAttributes()

  /// Describes a queueing discipline.
  ///
  /// - Parameters:
  ///   - interface: the link's index.
  ///   - parent: what it hangs on; nil for the place that is usual for the kind: the root, or that of `clsact`.
  ///   - handle: its number, with minor 0; nil for `ffff:` of `clsact` and `ingress`, else the kernel's choice.
  ///   - settings: its kind, and the settings of that kind.
  ///   - ingressBlock: the block of filters that it shares for what comes in; nil for filters of its own.
  ///   - egressBlock: the block of filters that it shares for what goes out; nil for filters of its own.
  public init(
    interface: InterfaceIndex, parent: TrafficHandle? = nil, handle: TrafficHandle? = nil, settings: QdiscSettings,
    ingressBlock: UInt32? = nil, egressBlock: UInt32? = nil
  ) {
    let isAtClsact =
      switch settings {
      case .clsact, .ingress: true
      default: false
      }
    self.interface = interface
    self.parent = parent ?? (isAtClsact ? .clsact : .root)
    self.handle = handle ?? (isAtClsact ? .ingressQdisc : .unspecified)
    self.settings = settings
    self.ingressBlock = ingressBlock
    self.egressBlock = egressBlock
  }

  /// Its kind, by the kernel's name, such as `clsact` or `fq_codel`.
  public var kind: String { settings.name }
}
