// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Which way packets pass a link, seen from the namespace that the link is in.
public enum TrafficDirection: Sendable, Hashable, CaseIterable {
  /// Into the namespace.
  case ingress
  /// Out of it.
  case egress

  /// Where filters of this direction hang at clsact (`TC_H_MIN_INGRESS`, `TC_H_MIN_EGRESS`).
  var parent: UInt32 {
    switch self {
    case .ingress: 0xffff_fff2
    case .egress: 0xffff_fff3
    }
  }

  init?(parent: UInt32) {
    switch parent {
    case 0xffff_fff2: self = .ingress
    case 0xffff_fff3: self = .egress
    default: return nil
    }
  }
}

/// A BPF program to be attached at a link's clsact, whose return value decides what becomes of a packet
/// (`direct-action`).
public struct BPFFilter: Sendable, Hashable {
  /// The link's index.
  public var interface: InterfaceIndex
  /// Which packets it sees.
  public var direction: TrafficDirection
  /// Its place in the line, 1...65535; lower comes first.
  public var priority: UInt16
  /// Its number among those of that priority; 0 lets the kernel choose.
  public var handle: UInt32
  /// A descriptor of the loaded program.
  ///
  /// Only borrowed: keep it open until the call that takes this value returned.
  public var programDescriptor: CInt
  /// The name it is listed under, up to 255 bytes.
  public var name: String

  /// Describes a filter.
  ///
  /// - Parameters:
  ///   - interface: the link's index.
  ///   - direction: which packets it sees.
  ///   - priority: its place in the line, 1...65535; lower comes first.
  ///   - handle: its number among those of that priority; 0 lets the kernel choose.
  ///   - programDescriptor: a descriptor of the loaded program (`BPF_PROG_TYPE_SCHED_CLS`).
  ///   - name: the name it is listed under, up to 255 bytes.
  public init(
    interface: InterfaceIndex, direction: TrafficDirection, priority: UInt16 = 1, handle: UInt32 = 1,
    programDescriptor: CInt, name: String
  ) {
    self.interface = interface
    self.direction = direction
    self.priority = priority
    self.handle = handle
    self.programDescriptor = programDescriptor
    self.name = name
  }
}

/// A filter that is attached, as the kernel describes it.
public struct InstalledFilter: Sendable, Hashable {
  /// The link's index.
  public var interface: InterfaceIndex
  /// Which packets it sees.
  public var direction: TrafficDirection
  /// Its place in the line.
  public var priority: UInt16
  /// The kind of packets it is for, as an Ethernet type; 3 for all (`ETH_P_ALL`).
  public var etherType: UInt16
  /// Its number among those of that priority.
  public var handle: UInt32
  /// Its kind, by the kernel's name, such as `bpf` or `u32`.
  public var kind: String
  /// The BPF program; nil for other kinds.
  public var program: Program?
  /// What the kernel sent besides (`TCA_...`).
  public var otherAttributes = RawAttributes()

  /// The BPF program of a filter.
  public struct Program: Sendable, Hashable {
    /// The name it was attached under; nil when it was attached without.
    public var name: String?
    /// The kernel's number for it, as `bpftool prog` lists it.
    public var identifier: UInt32
    /// Eight bytes that tell programs with different instructions apart.
    public var tag: [UInt8]
    /// Whether its return value decides what becomes of the packet.
    public var isDirectAction: Bool
  }
}
