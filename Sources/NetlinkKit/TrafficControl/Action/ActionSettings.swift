// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What kind of action it is, with the settings of that kind: to make one, and as read back.
public enum ActionSettings: Sendable, Hashable {
  /// Nothing but the verdict.
  case gact(Gact = Gact())
  /// Sends packets, or copies of them, to another link.
  case mirred(Mirred)
  /// Changes what the kernel keeps about packets.
  case skbedit(SkbEdit)
  /// Says through which tunnel packets go, or forgets through which they came.
  case tunnelKey(TunnelKey)
  /// Changes VLAN tags, or the Ethernet header.
  case vlan(VLAN)
  /// A kind that this module has no settings for, by the kernel's name for it, such as `police`.
  ///
  /// Its options are the attributes inside `TCA_ACT_OPTIONS`, verdict included.
  case other(String, options: RawAttributes)

  /// The kernel's name of the kind (`TCA_ACT_KIND`).
  public var name: String {
    switch self {
    case .gact: "gact"
    case .mirred: "mirred"
    case .skbedit: "skbedit"
    case .tunnelKey: "tunnel_key"
    case .vlan: "vlan"
    case .other(let name, _): name
    }
  }

  var usualVerdict: TrafficVerdict {
    switch self {
    case .gact: .pass
    case .mirred(let mirred): mirred.operation == .redirect ? .stolen : .pipe
    default: .pipe
    }
  }

  /// Settings of `gact` (`TCA_GACT_...`).
  public struct Gact: Sendable, Hashable {
    /// Makes the verdict hold only for some packets (`struct tc_gact_p`, 8 bytes); nil for all.
    ///
    /// Made of 16 bits for the kind of chance (1 random, 2 each so many), 16 bits for how many, 32 for the verdict of the
    /// others.
    public var probability: [UInt8]?

    /// Describes an action that has a verdict only.
    public init(probability: [UInt8]? = nil) { self.probability = probability }
  }

  /// Settings of `mirred` (`TCA_MIRRED_...`).
  public struct Mirred: Sendable, Hashable {
    /// Whether packets go elsewhere, or copies of them.
    public enum Operation: Sendable, Hashable, CaseIterable {
      /// The packet itself goes there.
      case redirect
      /// A copy goes there.
      case mirror
    }

    /// Whether packets go elsewhere, or copies of them.
    public var operation: Operation
    /// Whether they leave there, or come in.
    public var direction: TrafficDirection
    /// The other link.
    ///
    /// nil is what is read back once that link is gone; a redirect then drops.
    public var interface: InterfaceIndex?

    /// Describes where packets go.
    ///
    /// - Parameters:
    ///   - operation: whether packets go there, or copies of them.
    ///   - interface: the other link.
    ///   - direction: whether they leave there, or come in.
    public init(_ operation: Operation, to interface: InterfaceIndex, _ direction: TrafficDirection = .egress) {
      self.operation = operation
      self.interface = interface
      self.direction = direction
    }
  }

  /// Settings of `skbedit` (`TCA_SKBEDIT_...`); what is nil stays as it is.
  public struct SkbEdit: Sendable, Hashable {
    /// The class, or the priority, of packets.
    public var priority: TrafficHandle?
    /// The device's queue, from 0.
    public var queueMapping: UInt16?
    /// The last queue of a range that begins with ``queueMapping``; a hash chooses one.
    ///
    /// - Requires: Linux 5.19 and ``spreadQueues`` in ``flags``.
    public var lastQueueMapping: UInt16?
    /// The mark.
    public var mark: UInt32?
    /// Which bits of the mark are set; nil for all.
    ///
    /// - Requires: Linux 4.15.
    public var markMask: UInt32?
    /// For whom packets are said to be (`PACKET_...`): 0 this machine, 1 all, 2 a group, 3 another one.
    public var packetType: UInt16?
    /// `SKBEDIT_F_INHERITDSFIELD` and others, in the kernel's numbers.
    ///
    /// - Requires: Linux 5.0.
    public var flags: UInt64?

    /// `SKBEDIT_F_TXQ_SKBHASH`, for ``flags``.
    public static let spreadQueues: UInt64 = 0x40
    /// `SKBEDIT_F_INHERITDSFIELD`, for ``flags``: the priority follows from the DS field.
    public static let inheritDSField: UInt64 = 0x20

    /// Describes what is changed.
    ///
    /// - Parameters:
    ///   - priority: the class, or the priority, of packets.
    ///   - mark: the mark.
    ///   - markMask: which bits of the mark are set; nil for all.
    ///   - queueMapping: the device's queue, from 0.
    ///   - packetType: for whom packets are said to be (`PACKET_...`).
    public init(
      priority: TrafficHandle? = nil, mark: UInt32? = nil, markMask: UInt32? = nil, queueMapping: UInt16? = nil,
      packetType: UInt16? = nil
    ) {
      self.priority = priority
      self.mark = mark
      self.markMask = markMask
      self.queueMapping = queueMapping
      self.packetType = packetType
    }
  }

  /// Settings of `vlan` (`TCA_VLAN_...`).
  public enum VLAN: Sendable, Hashable {
    /// A VLAN tag.
    public struct Tag: Sendable, Hashable {
      /// The number of the VLAN, 0...4094.
      public var id: UInt16
      /// Which kind of tag, as an Ethernet type: 0x8100 (802.1Q) or 0x88a8 (802.1ad); nil for 0x8100.
      public var etherType: UInt16?
      /// The priority, 0...7; nil for 0, or to keep it.
      public var priority: UInt8?

      /// Describes a tag.
      ///
      /// - Parameters:
      ///   - id: the number of the VLAN, 0...4094.
      ///   - etherType: which kind of tag, 0x8100 or 0x88a8; nil for 0x8100.
      ///   - priority: the priority, 0...7; nil for 0, or to keep it.
      public init(id: UInt16, etherType: UInt16? = nil, priority: UInt8? = nil) {
        self.id = id
        self.etherType = etherType
        self.priority = priority
      }
    }

    /// The outer tag is taken off.
    case pop
    /// A tag is put on.
    case push(Tag)
    /// The outer tag is changed.
    case modify(Tag)
    /// The Ethernet header is taken off; only for links without one.
    ///
    /// - Requires: Linux 5.11.
    case popEthernet
    /// An Ethernet header is put on.
    ///
    /// - Requires: Linux 5.11.
    case pushEthernet(destination: MACAddress, source: MACAddress)
  }

  /// Settings of `tunnel_key` (`TCA_TUNNEL_KEY_...`).
  public enum TunnelKey: Sendable, Hashable {
    /// The tunnel that packets came through is forgotten.
    case unset
    /// Packets that a tunnel link gets next go there.
    case set(Tunnel)

    /// Where a tunnel goes, and how.
    public struct Tunnel: Sendable, Hashable {
      /// The address it comes from.
      public var source: IPAddress
      /// The address it goes to, of the same family.
      public var destination: IPAddress
      /// The number of the tunnel, such as a VXLAN's; nil for none.
      public var keyID: UInt32?
      /// The port it goes to; nil for that of the link.
      public var destinationPort: UInt16?
      /// Whether the outer packet has a checksum (`TCA_TUNNEL_KEY_NO_CSUM`); nil for true.
      public var hasChecksum: Bool?
      /// The DS field of the outer packet; nil for 0.
      public var tos: UInt8?
      /// How many hops the outer packet may make; nil for the link's.
      public var ttl: UInt8?

      /// Describes a tunnel.
      ///
      /// - Parameters:
      ///   - source: the address it comes from.
      ///   - destination: the address it goes to, of the same family.
      ///   - keyID: the number of the tunnel; nil for none.
      ///   - destinationPort: the port it goes to; nil for that of the link.
      ///   - hasChecksum: whether the outer packet has a checksum; nil for true.
      ///   - tos: the DS field of the outer packet; nil for 0.
      ///   - ttl: how many hops the outer packet may make; nil for the link's.
      public init(
        source: IPAddress, destination: IPAddress, keyID: UInt32? = nil, destinationPort: UInt16? = nil,
        hasChecksum: Bool? = nil, tos: UInt8? = nil, ttl: UInt8? = nil
      ) {
        self.source = source
        self.destination = destination
        self.keyID = keyID
        self.destinationPort = destinationPort
        self.hasChecksum = hasChecksum
        self.tos = tos
        self.ttl = ttl
      }
    }
  }
}
