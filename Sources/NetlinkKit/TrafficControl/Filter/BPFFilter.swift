// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

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

extension TrafficFilter {
  /// Describes the filter that attaches a program at a link's clsact.
  public init(_ filter: BPFFilter) {
    self.init(
      on: filter.interface, at: .clsact(filter.direction), priority: filter.priority, handle: filter.handle,
      settings: .bpf(.init(descriptor: filter.programDescriptor, name: filter.name)))
  }
}
