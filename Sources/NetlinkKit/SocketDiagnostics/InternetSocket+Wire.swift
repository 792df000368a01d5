// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension InternetSocket {
  /// `struct inet_diag_msg`.
  static let headerSize = 72
  /// Where `struct inet_diag_sockid` lies in it.
  private static let identity = 4

  /// Reads an answer to `SOCK_DIAG_BY_FAMILY`; nil when its family is neither IPv4 nor IPv6.
  ///
  /// The message does not say which protocol was asked for.
  init?(_ message: Message, in datagram: RawSpan, protocol: SocketProtocol) throws(WireError) {
    guard message.payload.count >= InternetSocket.headerSize else {
      throw .truncated(
        offset: message.payload.lowerBound, needed: InternetSocket.headerSize, available: message.payload.count)
    }
    let start = message.payload.lowerBound
    guard let family = AddressFamily(rawValue: try datagram.load(UInt8.self, at: start)) else { return nil }
    self.protocol = `protocol`
    self.family = family
    state = SocketState(rawValue: try datagram.load(UInt8.self, at: start + 1))
    timer = SocketTimer(
      kind: SocketTimer.Kind(rawValue: try datagram.load(UInt8.self, at: start + 2)),
      milliseconds: try datagram.load(UInt32.self, at: start + 52),
      retransmissions: try datagram.load(UInt8.self, at: start + 3))
    let identity = start + InternetSocket.identity
    source = SocketEndpoint(
      address: try InternetSocket.address(family, at: identity + 4, in: datagram),
      port: UInt16(bigEndian: try datagram.load(UInt16.self, at: identity)))
    destination = SocketEndpoint(
      address: try InternetSocket.address(family, at: identity + 20, in: datagram),
      port: UInt16(bigEndian: try datagram.load(UInt16.self, at: identity + 2)))
    boundInterface = InterfaceIndex(rawValue: try datagram.load(UInt32.self, at: identity + 36))
    // Two words, the lower first, whatever the byte order of the machine.
    let low = try datagram.load(UInt32.self, at: identity + 40)
    cookie = UInt64(try datagram.load(UInt32.self, at: identity + 44)) << 32 | UInt64(low)
    receiveQueue = try datagram.load(UInt32.self, at: start + 56)
    sendQueue = try datagram.load(UInt32.self, at: start + 60)
    userID = try datagram.load(UInt32.self, at: start + 64)
    inode = try datagram.load(UInt32.self, at: start + 68)
    try readAttributes(message, in: datagram)
  }

  private static func address(_ family: AddressFamily, at offset: Int, in datagram: RawSpan) throws(WireError)
    -> IPAddress
  {
    switch family {
    case .ipv4: .v4(IPv4Address(networkOrder: try datagram.load(UInt32.self, at: offset)))
    case .ipv6:
      .v6(
        IPv6Address(
          high: UInt64(bigEndian: try datagram.load(UInt64.self, at: offset)),
          low: UInt64(bigEndian: try datagram.load(UInt64.self, at: offset + 8))))
    }
  }

  private mutating func readAttributes(_ message: Message, in datagram: RawSpan) throws(WireError) {
    var cursor = message.attributes(after: InternetSocket.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(INET_DIAG_SHUTDOWN): shutdown = ShutdownDirections(rawValue: try datagram.value(attribute))
      case Int(INET_DIAG_TOS): typeOfService = try datagram.value(attribute)
      case Int(INET_DIAG_TCLASS): trafficClass = try datagram.value(attribute)
      case Int(INET_DIAG_CLASS_ID): classID = try datagram.value(attribute)
      case Int(INET_DIAG_SKV6ONLY): isIPv6Only = try datagram.value(attribute, as: UInt8.self) != 0
      case Int(INET_DIAG_MARK): mark = try datagram.value(attribute)
      case Int(INET_DIAG_CGROUP_ID): cgroupID = try datagram.value(attribute)
      case Int(INET_DIAG_PROTOCOL): rawProtocol = try datagram.value(attribute)
      case Int(INET_DIAG_CONG): congestionControl = try datagram.string(attribute)
      case Int(INET_DIAG_SKMEMINFO) where attribute.payload.count == SocketMemory.width:
        memory = try SocketMemory(attribute, in: datagram)
      case Int(INET_DIAG_SOCKOPT) where attribute.payload.count == 2:
        let low = try datagram.load(UInt8.self, at: attribute.payload.lowerBound)
        let high = try datagram.load(UInt8.self, at: attribute.payload.lowerBound + 1)
        options = SocketOptions(rawValue: UInt16(high) << 8 | UInt16(low))
      case Int(INET_DIAG_INFO) where `protocol` == .tcp:
        tcp = TCPInformation(try datagram.bytes(attribute.payload))
      default: try otherAttributes.append(attribute, from: datagram, upTo: message.payload.upperBound)
      }
    }
  }

  /// What names the socket in a request (`struct inet_diag_sockid`).
  var identity: inet_diag_sockid { inet_diag_sockid(source, destination, boundInterface, cookie: cookie) }

  /// Writes the socket as the kernel does, everything it was read from included.
  func encodeReply(into writer: MessageWriter) {
    writer.put(
      header: inet_diag_msg(
        idiag_family: family.rawValue, idiag_state: state.rawValue, idiag_timer: timer.kind.rawValue,
        idiag_retrans: timer.retransmissions, id: identity, idiag_expires: timer.milliseconds,
        idiag_rqueue: receiveQueue, idiag_wqueue: sendQueue, idiag_uid: userID, idiag_inode: inode))
    let octets: [(type: Int, value: UInt8?)] = [
      (Int(INET_DIAG_SHUTDOWN), shutdown?.rawValue), (Int(INET_DIAG_TOS), typeOfService),
      (Int(INET_DIAG_TCLASS), trafficClass), (Int(INET_DIAG_SKV6ONLY), isIPv6Only.map { $0 ? 1 : 0 }),
      (Int(INET_DIAG_PROTOCOL), rawProtocol),
    ]
    for (type, value) in octets { if let value { writer.put(type, value) } }
    if let mark { writer.put(Int(INET_DIAG_MARK), mark) }
    if let classID { writer.put(Int(INET_DIAG_CLASS_ID), classID) }
    if let cgroupID { writer.put(Int(INET_DIAG_CGROUP_ID), cgroupID) }
    if let congestionControl { writer.put(Int(INET_DIAG_CONG), string: congestionControl) }
    memory?.encode(as: Int(INET_DIAG_SKMEMINFO), into: writer)
    if let options { writer.put(Int(INET_DIAG_SOCKOPT), values: [options.rawValue.littleEndian]) }
    if let tcp { writer.put(Int(INET_DIAG_INFO), bytes: tcp.bytes) }
    writer.put(otherAttributes)
  }
}

extension inet_diag_sockid {
  /// The ends of a socket, and its cookie or that it does not matter.
  init(_ source: SocketEndpoint, _ destination: SocketEndpoint, _ interface: InterfaceIndex?, cookie: UInt64) {
    self.init(
      idiag_sport: source.port.bigEndian, idiag_dport: destination.port.bigEndian, idiag_src: source.address.words,
      idiag_dst: destination.address.words, idiag_if: interface?.rawValue ?? 0,
      idiag_cookie: (UInt32(truncatingIfNeeded: cookie), UInt32(truncatingIfNeeded: cookie >> 32)))
  }
}

extension IPAddress {
  /// Four words in network order; those that IPv4 has no use for are zero.
  var words: (UInt32, UInt32, UInt32, UInt32) {
    switch self {
    case .v4(let address): (address.networkOrder, 0, 0, 0)
    case .v6(let address):
      (
        UInt32(truncatingIfNeeded: address.high >> 32).bigEndian, UInt32(truncatingIfNeeded: address.high).bigEndian,
        UInt32(truncatingIfNeeded: address.low >> 32).bigEndian, UInt32(truncatingIfNeeded: address.low).bigEndian
      )
    }
  }

  /// The IPv4 address that an address such as `::ffff:10.0.0.1` stands for; nil for all others.
  var mappedIPv4: IPv4Address? {
    guard case .v6(let address) = self, address.high == 0, address.low >> 32 == 0xffff else { return nil }
    return IPv4Address(rawValue: UInt32(truncatingIfNeeded: address.low))
  }
}
