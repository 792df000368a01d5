// SPDX-License-Identifier: Apache-2.0

/// Why the datapath dropped a packet.
///
/// Where Cilium has the same reason the number is the same, without its sign. C: `enum drop_reason`.
public enum DropReason: UInt8, CaseIterable, Sendable, Hashable {
  /// The pod sent from an address that is not its own.
  case invalidSource = 132
  /// The pod is isolated in this direction and no policy allows the packet.
  case policy = 133
  /// Truncated or malformed headers.
  case invalid = 134
  /// Too long to be encapsulated for its way.
  case fragmentationNeeded = 136
  /// An IP protocol that connection tracking does not know, at an isolated pod.
  case unknownProtocol = 137
  /// Neither IPv4, nor IPv6, nor ARP.
  case unsupportedL3 = 139
  /// A dispatcher found no program in its slot.
  case missedTailCall = 140
  /// SCTP to a service whose backends have another port than it has.
  case checksumL4 = 154
  /// The flow table refused a new entry.
  case flowCreate = 155
  /// IPv6 extension headers that are too many or out of place, or a route with segments left.
  case invalidExtensionHeader = 156
  /// The service has no backend.
  case noService = 158
  /// A translated flow has no free port, or what it asked for is not known any more.
  case noMapping = 167
  /// Encapsulated as nodes do, but not sent by one.
  case unknownSender = 172
  /// A client outside asks for a cluster IP.
  case isClusterIP = 174
  /// A client outside is in none of the service's source ranges.
  case notInSourceRange = 177
  /// A policy denies the packet by name.
  case policyDeny = 181
  /// No such endpoint, or one that waits for its first policy.
  case endpointNotReady = 203
  /// The service's traffic policy is Local and none of its backends is on this node.
  case notLocal = 240

  /// The reason in few words, as counters and records show it.
  public var name: String {
    switch self {
    case .invalidSource: "invalid source"
    case .policy: "policy"
    case .invalid: "invalid packet"
    case .fragmentationNeeded: "fragmentation needed"
    case .unknownProtocol: "unknown protocol"
    case .missedTailCall: "missed tail call"
    case .checksumL4: "L4 checksum"
    case .flowCreate: "flow table refused"
    case .invalidExtensionHeader: "invalid extension header"
    case .unsupportedL3: "unsupported L3"
    case .noService: "no service backend"
    case .noMapping: "no NAT mapping"
    case .unknownSender: "unknown sender"
    case .isClusterIP: "cluster IP from outside"
    case .notInSourceRange: "not in source range"
    case .policyDeny: "policy denied"
    case .endpointNotReady: "endpoint not ready"
    case .notLocal: "no local service backend"
    }
  }

  /// What happened and what to look at, for an operator.
  public var meaning: String {
    switch self {
    case .invalidSource:
      "the pod sent from an address that is not its own: spoofed, or a tunnel or bridge inside the pod"
    case .policy: "the pod is isolated in this direction and no network policy allows the packet"
    case .invalid: "the packet's headers are truncated or contradict each other"
    case .fragmentationNeeded:
      "the client's packet is too long to be encapsulated for the backend's node; the client is told so: raise the MTU between nodes"
    case .unknownProtocol:
      "the pod is isolated and the IP protocol is not TCP, UDP, SCTP or its family's ICMP: only rules without ports can allow it"
    case .missedTailCall:
      "the pod's dispatcher found no datapath program: the agent has not loaded it, or its pins were removed"
    case .checksumL4:
      "SCTP to a service whose backends have another port than the service: give both the same, since SCTP's checksum cannot be mended"
    case .flowCreate: "the flow table refused a new entry: raise its size"
    case .invalidExtensionHeader:
      "the packet's IPv6 extension headers are more than are read, out of place, or hold a route with segments left"
    case .unsupportedL3: "the frame is neither IPv4 nor IPv6 nor ARP"
    case .noService: "the service has no endpoint that serves; the sender is told so, unless it asks too often"
    case .noMapping:
      "a translated flow found no free source port, or a reply belongs to a service address that is gone, or a connection meets another one of the same ports that was translated"
    case .unknownSender:
      "a packet is encapsulated as nodes do for direct server return, but its sender is none of the known nodes: forged, or a node that is not known yet"
    case .isClusterIP: "a client outside the cluster asks for a cluster IP"
    case .notInSourceRange: "a client outside is in none of the service's loadBalancerSourceRanges"
    case .policyDeny: "a network policy denies the packet explicitly"
    case .endpointNotReady:
      "the endpoint is unknown, or must wait until its network policies are compiled for the first time"
    case .notLocal: "the service's traffic policy is Local and none of its endpoints is on this node"
    }
  }
}

extension DropReason: CustomStringConvertible {
  /// Number and name, such as `133 policy`.
  public var description: String { "\(rawValue) \(name)" }
}
