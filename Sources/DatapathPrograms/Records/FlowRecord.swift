// SPDX-License-Identifier: Apache-2.0

public import CDatapathABI
public import NetworkTypes

/// What the datapath says of one packet: that it was dropped, or that it began an allowed flow.
///
/// ```swift
/// for try await record in datapath.flowEvents.records() {
///   print(FlowRecord(record))  // DROP 133 policy: 10.0.0.5:41234 -> 10.0.0.9:8080 TCP, egress of endpoint 3
/// }
/// ```
///
/// C: `struct flow_record`.
public struct FlowRecord: Hashable, Sendable {
  /// The packet's way, seen from the pod.
  public enum Direction: Hashable, Sendable {
    /// Sent by the pod.
    case egress
    /// Sent to the pod.
    case ingress
  }

  /// What became of the packet.
  public enum Verdict: Hashable, Sendable {
    /// Dropped.
    case dropped(DropReason)
    /// Dropped for a reason that this version does not know.
    case droppedForUnknownReason(UInt8)
    /// Allowed, and the first packet of a flow.
    case allowed
  }

  /// When, in nanoseconds of the monotonic clock.
  public var timestamp: UInt64
  /// The sender; :: where the packet was not read so far.
  public var source: IPAddress
  /// The receiver; :: where the packet was not read so far.
  public var destination: IPAddress
  /// The sender's port; 0 where the protocol has none.
  ///
  /// The side that sent an ICMP echo request has its identifier here.
  public var sourcePort: UInt16
  /// The receiver's port, likewise.
  public var destinationPort: UInt16
  /// The IP protocol; 0 for frames that are not IP, or whose protocol was not found.
  public var ipProtocol: IPProtocol
  /// The pod's way.
  public var direction: Direction
  /// The endpoint whose hook saw the packet.
  public var endpoint: UInt32
  /// What became of it.
  public var verdict: Verdict
  /// The policy decision, a number of the compiler's table; 0: none was needed or none matched.
  public var decision: UInt32
  /// The policy generation that decided; 0: none did.
  public var generation: UInt32
  /// Bytes on the wire, link headers included.
  public var length: UInt32

  /// Decodes a record of the ring buffer.
  ///
  /// Numbers that this version does not know are kept, never trapped on.
  ///
  /// - Parameter record: The record as the kernel wrote it.
  public init(_ record: flow_record) {
    timestamp = record.timestamp
    source = record.source.address
    destination = record.destination.address
    sourcePort = UInt16(bigEndian: record.source_port)
    destinationPort = UInt16(bigEndian: record.destination_port)
    ipProtocol = IPProtocol(rawValue: record.protocol)
    direction = record.direction == UInt8(FLOW_EGRESS) ? .egress : .ingress
    endpoint = record.endpoint
    decision = record.decision
    generation = record.generation
    length = record.length
    verdict =
      if record.verdict == UInt8(FLOW_ALLOWED) {
        .allowed
      } else if let reason = DropReason(rawValue: record.reason) {
        .dropped(reason)
      } else {
        .droppedForUnknownReason(record.reason)
      }
  }
}

extension FlowRecord: CustomStringConvertible {
  /// One line in an operator's words.
  public var description: String {
    "\(verdictText): \(packetText), \(direction == .egress ? "egress" : "ingress") of endpoint \(endpoint)\(decisionText)"
  }

  private var verdictText: String {
    switch verdict {
    case .dropped(let reason): "DROP \(reason)"
    case .droppedForUnknownReason(let number): "DROP \(number)"
    case .allowed: "ALLOW"
    }
  }

  private var packetText: String {
    if ipProtocol.rawValue == 0 {
      if case .v4 = source { return "ARP \(source) -> \(destination)" }
      return source == .unread && destination == .unread
        ? "frame of \(length) bytes" : "IPv6 \(source) -> \(destination)"
    }
    switch ipProtocol {
    case .tcp, .udp, .sctp:
      return "\(text(source, sourcePort)) -> \(text(destination, destinationPort)) \(ipProtocol)"
    case .icmp where sourcePort != 0, .icmpv6 where sourcePort != 0:
      return "\(source) -> \(destination) \(ipProtocol) echo request \(sourcePort)"
    case .icmp where destinationPort != 0, .icmpv6 where destinationPort != 0:
      return "\(source) -> \(destination) \(ipProtocol) echo reply \(destinationPort)"
    default:
      return "\(source) -> \(destination) \(ipProtocol)"
    }
  }

  private func text(_ address: IPAddress, _ port: UInt16) -> String {
    if case .v6 = address { return "[\(address)]:\(port)" }
    return "\(address):\(port)"
  }

  private var decisionText: String {
    decision == 0 ? "" : " (decision \(decision), generation \(generation))"
  }
}

extension IPAddress {
  fileprivate static let unread = IPAddress.v6(IPv6Address(high: 0, low: 0))
}
