// SPDX-License-Identifier: Apache-2.0

public import NetlinkKit

/// A value that the kernel answers with: a link, an address, a route, a rule or a neighbour.
public protocol KernelObject: Sendable {
  /// The type of the messages about it.
  static var kind: FakeKernel.RequestKind { get }
  /// What follows the message header; nil when it does not fit in a message.
  var payload: [UInt8]? { get }
}

extension Link: KernelObject {
  /// `RTM_NEWLINK`.
  public static var kind: FakeKernel.RequestKind { .newLink }
  /// The link as the kernel sends it.
  public var payload: [UInt8]? { ReplyReaders.links.payload(of: self) }
}

extension InterfaceAddress: KernelObject {
  /// `RTM_NEWADDR`.
  public static var kind: FakeKernel.RequestKind { .newAddress }
  /// The address as the kernel sends it.
  public var payload: [UInt8]? { ReplyReaders.addresses.payload(of: self) }
}

extension Route: KernelObject {
  /// `RTM_NEWROUTE`.
  public static var kind: FakeKernel.RequestKind { .newRoute }
  /// The route as the kernel sends it.
  public var payload: [UInt8]? { ReplyReaders.routes.payload(of: self) }
}

extension Rule: KernelObject {
  /// `RTM_NEWRULE`.
  public static var kind: FakeKernel.RequestKind { .newRule }
  /// The rule as the kernel sends it.
  public var payload: [UInt8]? { ReplyReaders.rules.payload(of: self) }
}

extension Neighbour: KernelObject {
  /// `RTM_NEWNEIGH`.
  public static var kind: FakeKernel.RequestKind { .newNeighbour }
  /// The neighbour as the kernel sends it.
  public var payload: [UInt8]? { ReplyReaders.neighbours.payload(of: self) }
}
