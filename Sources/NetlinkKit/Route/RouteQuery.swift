// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A packet, for which ``RouteTable/route(for:)`` finds the route that it would take.
public struct RouteQuery: Sendable, Hashable {
  /// Where it goes.
  public var destination: IPAddress
  /// Where it comes from; nil for what the kernel would choose.
  ///
  /// An address of this machine, or with ``inputInterface`` that of another.
  public var source: IPAddress?
  /// The link it came in through; nil for a packet that is made here.
  ///
  /// The kernel then answers for a packet that is to be forwarded or taken in, and for IPv4 checks the source as it would.
  public var inputInterface: InterfaceIndex?
  /// The link that its socket is bound to; nil for none.
  public var outputInterface: InterfaceIndex?
  /// Its mark; nil for 0.
  public var mark: UInt32?
  /// The user whose packet it is; nil for the one who asks.
  public var userID: UInt32?
  /// TCP, UDP or ICMP, for rules that care; nil for none of them.
  public var `protocol`: IPProtocol?
  /// The port it comes from, for rules that care.
  public var sourcePort: UInt16?
  /// The port it goes to, for rules that care.
  public var destinationPort: UInt16?
  /// Its type of service, IPv4 only.
  public var typeOfService: UInt8
  /// Whether to answer with the table's entry instead of with what a look-up makes of it for this destination
  /// (`RTM_F_FIB_MATCH`).
  public var wantsTableEntry: Bool

  /// Describes a packet.
  ///
  /// - Parameters:
  ///   - destination: where it goes.
  ///   - source: where it comes from; nil for what the kernel would choose.
  ///   - inputInterface: the link it came in through; nil for a packet that is made here.
  ///   - outputInterface: the link that its socket is bound to; nil for none.
  ///   - mark: its mark; nil for 0.
  ///   - userID: the user whose packet it is; nil for the one who asks.
  ///   - protocol: TCP, UDP or ICMP, for rules that care.
  ///   - sourcePort: the port it comes from, for rules that care.
  ///   - destinationPort: the port it goes to, for rules that care.
  ///   - typeOfService: its type of service, IPv4 only.
  ///   - wantsTableEntry: whether to answer with the table's entry.
  public init(
    destination: IPAddress, source: IPAddress? = nil, inputInterface: InterfaceIndex? = nil,
    outputInterface: InterfaceIndex? = nil, mark: UInt32? = nil, userID: UInt32? = nil, protocol: IPProtocol? = nil,
    sourcePort: UInt16? = nil, destinationPort: UInt16? = nil, typeOfService: UInt8 = 0, wantsTableEntry: Bool = false
  ) {
    self.destination = destination
    self.source = source
    self.inputInterface = inputInterface
    self.outputInterface = outputInterface
    self.mark = mark
    self.userID = userID
    self.protocol = `protocol`
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.typeOfService = typeOfService
    self.wantsTableEntry = wantsTableEntry
  }
}
