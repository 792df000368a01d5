// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Which sockets are meant: those that fit all conditions.
///
/// A condition that is nil fits every socket. The kernel sorts out what it can; every answer is compared once more here.
///
/// ```swift
/// // Whoever still talks to an endpoint that went away.
/// let stale = SocketMatch(
///   .udp, states: .connected, destinations: [SocketEndpointMatch(IPCIDR(host: endpoint), port: 53)])
/// ```
public struct SocketMatch: Sendable, Hashable {
  /// The protocol.
  public var `protocol`: SocketProtocol
  /// The family the sockets were made for; nil for both.
  ///
  /// An IPv6 socket can speak IPv4, so IPv4 addresses are found on sockets of both.
  public var family: AddressFamily?
  /// How far their connections are.
  public var states: SocketStates
  /// One of these must fit their own end; nil for any end, an empty list for none, so no socket.
  public var sources: [SocketEndpointMatch]?
  /// One of these must fit their peer's end; nil for any end, an empty list for none, so no socket.
  public var destinations: [SocketEndpointMatch]?
  /// The link they are bound to; `.some(nil)` for those that are bound to none.
  public var boundInterface: InterfaceIndex??
  /// The mark of their packets.
  public var mark: SocketMarkMatch?
  /// The id of their cgroup (v2).
  public var cgroupID: UInt64?
  /// Their cookie: the one socket that has it.
  public var cookie: UInt64?
  /// The user who made them.
  public var userID: UInt32?
  /// Their inode number.
  public var inode: UInt32?

  /// Describes sockets.
  ///
  /// - Parameters:
  ///   - protocol: TCP, UDP, ...
  ///   - family: the family they were made for; nil for both.
  ///   - states: how far their connections are.
  ///   - sources: one of these must fit their own end; nil for any.
  ///   - destinations: one of these must fit their peer's end; nil for any.
  ///   - boundInterface: the link they are bound to; `.some(nil)` for none.
  ///   - mark: the mark of their packets.
  ///   - cgroupID: the id of their cgroup.
  ///   - cookie: their cookie.
  ///   - userID: the user who made them.
  ///   - inode: their inode number.
  public init(
    _ protocol: SocketProtocol, family: AddressFamily? = nil, states: SocketStates = .all,
    sources: [SocketEndpointMatch]? = nil, destinations: [SocketEndpointMatch]? = nil,
    boundInterface: InterfaceIndex?? = nil, mark: SocketMarkMatch? = nil, cgroupID: UInt64? = nil,
    cookie: UInt64? = nil, userID: UInt32? = nil, inode: UInt32? = nil
  ) {
    self.protocol = `protocol`
    self.family = family
    self.states = states
    self.sources = sources
    self.destinations = destinations
    self.boundInterface = boundInterface
    self.mark = mark
    self.cgroupID = cgroupID
    self.cookie = cookie
    self.userID = userID
    self.inode = inode
  }
}

/// A block of addresses, a range of ports or both: what an end of a socket must be.
public struct SocketEndpointMatch: Sendable, Hashable {
  /// The addresses; nil for any.
  ///
  /// IPv4 addresses fit also where an IPv6 socket speaks IPv4 (`::ffff:10.0.0.1`).
  public var block: IPCIDR?
  /// The ports; nil for any.
  public var ports: ClosedRange<UInt16>?

  /// Any end.
  public static let any = SocketEndpointMatch(block: nil, ports: nil)

  private init(block: IPCIDR?, ports: ClosedRange<UInt16>?) {
    self.block = block
    self.ports = ports
  }

  /// Describes ends by addresses, and a range of ports if there is one.
  ///
  /// The block is not optional, so that text that is no block cannot come to mean any address.
  public init(_ block: IPCIDR, ports: ClosedRange<UInt16>? = nil) { self.init(block: block, ports: ports) }

  /// Describes ends by addresses and one port.
  public init(_ block: IPCIDR, port: UInt16) { self.init(block: block, ports: port...port) }

  /// Describes ends by a range of ports, with any address.
  public init(ports: ClosedRange<UInt16>) { self.init(block: nil, ports: ports) }

  /// Describes ends by one port, with any address.
  public init(port: UInt16) { self.init(block: nil, ports: port...port) }

  /// Describes exactly one end.
  public init(_ endpoint: SocketEndpoint) { self.init(IPCIDR(host: endpoint.address), port: endpoint.port) }
}

/// A mark, or some of its bits.
public struct SocketMarkMatch: Sendable, Hashable {
  /// What the bits must be.
  public var value: UInt32
  /// Which bits count.
  public var mask: UInt32

  /// Describes marks.
  public init(_ value: UInt32, mask: UInt32 = .max) {
    self.value = value
    self.mask = mask
  }
}

extension SocketMatch {
  /// Whether `socket` fits.
  ///
  /// What the kernel did not say of the socket, as it says no mark without `CAP_NET_ADMIN`, does not fit.
  public func contains(_ socket: InternetSocket) -> Bool {
    guard `protocol` == socket.protocol, family == nil || family == socket.family, states.contains(socket.state),
      cookie == nil || cookie == socket.cookie, userID == nil || userID == socket.userID,
      inode == nil || inode == socket.inode, cgroupID == nil || cgroupID == socket.cgroupID
    else { return false }
    if let boundInterface, boundInterface != socket.boundInterface { return false }
    if let mark {
      guard let found = socket.mark, found & mark.mask == mark.value & mark.mask else { return false }
    }
    if let sources, !sources.contains(where: { $0.contains(socket.source) }) { return false }
    if let destinations, !destinations.contains(where: { $0.contains(socket.destination) }) { return false }
    return true
  }

  /// Whether no socket can fit.
  var isHopeless: Bool {
    states.isEmpty || sources?.isEmpty == true || destinations?.isEmpty == true
  }

  /// Whether it leaves out sockets by more than protocol, family and states: what a destruction must do.
  ///
  /// Being bound to no link says next to nothing.
  var isSpecific: Bool {
    if let sources, !sources.contains(.any) { return true }
    if let destinations, !destinations.contains(.any) { return true }
    if let mark, mark.mask != 0 { return true }
    return (boundInterface ?? nil) != nil || cgroupID != nil || cookie != nil || userID != nil || inode != nil
  }
}

extension SocketEndpointMatch {
  /// Whether `endpoint` is one of those.
  public func contains(_ endpoint: SocketEndpoint) -> Bool {
    if let ports, !ports.contains(endpoint.port) { return false }
    guard let block else { return true }
    if block.contains(endpoint.address) { return true }
    guard block.family == .ipv4, let mapped = endpoint.address.mappedIPv4 else { return false }
    return block.contains(.v4(mapped))
  }
}

extension SocketMatch: CustomStringConvertible {
  /// The conditions, such as `UDP sockets to 10.0.0.2/32 port 53`.
  public var description: String {
    var text = "\(`protocol`) sockets"
    if let sources { text += " from " + SocketMatch.text(sources) }
    if let destinations { text += " to " + SocketMatch.text(destinations) }
    switch boundInterface {
    case nil: break
    case .some(nil): text += " bound to no link"
    case .some(let index?): text += " bound to link \(index)"
    }
    if let mark { text += " with mark 0x\(String(mark.value, radix: 16))/0x\(String(mark.mask, radix: 16))" }
    if let cgroupID { text += " of cgroup \(cgroupID)" }
    if let cookie { text += " with cookie \(cookie)" }
    if let userID { text += " of user \(userID)" }
    if let inode { text += " with inode \(inode)" }
    return text
  }

  private static func text(_ ends: [SocketEndpointMatch]) -> String {
    if ends.isEmpty { return "nowhere" }
    let some = ends.prefix(3).map { "\($0)" }.joined(separator: " or ")
    return ends.count > 3 ? "\(some) or \(ends.count - 3) others" : some
  }
}

extension SocketEndpointMatch: CustomStringConvertible {
  /// `10.0.0.0/8 port 53`, `any address ports 1000...2000`, `any address`.
  public var description: String {
    let address = block.map { "\($0)" } ?? "any address"
    guard let ports else { return address }
    return ports.count == 1
      ? "\(address) port \(ports.lowerBound)" : "\(address) ports \(ports.lowerBound)...\(ports.upperBound)"
  }
}
