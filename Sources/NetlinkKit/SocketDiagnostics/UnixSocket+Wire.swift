// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension UnixSocket {
  /// `struct unix_diag_msg`.
  static let headerSize = 16
  static let family: UInt8 = 1

  /// Reads an answer to `SOCK_DIAG_BY_FAMILY`; nil when it is of another family.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard message.payload.count >= UnixSocket.headerSize else {
      throw .truncated(
        offset: message.payload.lowerBound, needed: UnixSocket.headerSize, available: message.payload.count)
    }
    let header = try datagram.load(unix_diag_msg.self, at: message.payload.lowerBound)
    guard header.udiag_family == UnixSocket.family else { return nil }
    kind = Kind(rawValue: header.udiag_type)
    state = SocketState(rawValue: header.udiag_state)
    inode = header.udiag_ino
    cookie = UInt64(header.udiag_cookie.1) << 32 | UInt64(header.udiag_cookie.0)
    var cursor = message.attributes(after: UnixSocket.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(UNIX_DIAG_NAME): name = try UnixSocket.name(attribute, in: datagram)
      case Int(UNIX_DIAG_PEER): peer = try datagram.value(attribute)
      case Int(UNIX_DIAG_ICONS): pendingConnections = try UnixSocket.words(attribute, in: datagram)
      case Int(UNIX_DIAG_RQLEN):
        guard attribute.payload.count == 8 else {
          throw .attributeWidth(type: attribute.type, expected: 8, actual: attribute.payload.count)
        }
        receiveQueue = try datagram.load(UInt32.self, at: attribute.payload.lowerBound)
        sendQueue = try datagram.load(UInt32.self, at: attribute.payload.lowerBound + 4)
      case Int(UNIX_DIAG_MEMINFO) where attribute.payload.count == SocketMemory.width:
        memory = try SocketMemory(attribute, in: datagram)
      case Int(UNIX_DIAG_SHUTDOWN): shutdown = ShutdownDirections(rawValue: try datagram.value(attribute))
      case Int(UNIX_DIAG_UID): userID = try datagram.value(attribute)
      default: try otherAttributes.append(attribute, from: datagram, upTo: message.payload.upperBound)
      }
    }
  }

  /// A path ends with a zero byte, an abstract name begins with one.
  private static func name(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> String {
    var bytes = try datagram.bytes(attribute.payload)
    if bytes.first != 0, bytes.last == 0 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func words(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> [UInt32] {
    guard attribute.payload.count.isMultiple(of: 4) else {
      throw .attributeWidth(
        type: attribute.type, expected: attribute.payload.count / 4 * 4, actual: attribute.payload.count)
    }
    var words: [UInt32] = []
    for offset in stride(from: attribute.payload.lowerBound, to: attribute.payload.upperBound, by: 4) {
      words.append(try datagram.load(UInt32.self, at: offset))
    }
    return words
  }

  /// Writes the socket as the kernel does, everything it was read from included.
  func encodeReply(into writer: MessageWriter) {
    writer.put(
      header: unix_diag_msg(
        udiag_family: UnixSocket.family, udiag_type: kind.rawValue, udiag_state: state.rawValue, pad: 0,
        udiag_ino: inode,
        udiag_cookie: (UInt32(truncatingIfNeeded: cookie), UInt32(truncatingIfNeeded: cookie >> 32))))
    if let name {
      if name.isEmpty || name.utf8.first == 0 {
        writer.put(Int(UNIX_DIAG_NAME), bytes: Array(name.utf8))
      } else {
        writer.put(Int(UNIX_DIAG_NAME), string: name)
      }
    }
    if let peer { writer.put(Int(UNIX_DIAG_PEER), peer) }
    if !pendingConnections.isEmpty { writer.put(Int(UNIX_DIAG_ICONS), values: pendingConnections) }
    if let receiveQueue, let sendQueue { writer.put(Int(UNIX_DIAG_RQLEN), values: [receiveQueue, sendQueue]) }
    memory?.encode(as: Int(UNIX_DIAG_MEMINFO), into: writer)
    if let shutdown { writer.put(Int(UNIX_DIAG_SHUTDOWN), shutdown.rawValue) }
    if let userID { writer.put(Int(UNIX_DIAG_UID), userID) }
    writer.put(otherAttributes)
  }
}

/// `SOCK_DIAG_BY_FAMILY` as a dump of the local family's sockets.
struct ListUnixSockets: NetlinkQuery {
  let states: SocketStates

  var type: Int { Int(SOCK_DIAG_BY_FAMILY) }
  var name: String { "SOCK_DIAG_BY_FAMILY" }
  var operation: String { "list unix sockets" }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: unix_diag_req(
        sdiag_family: UnixSocket.family, sdiag_protocol: 0, pad: 0, udiag_states: states.rawValue, udiag_ino: 0,
        udiag_show: ListUnixSockets.everything, udiag_cookie: (0, 0)))
  }

  /// `UDIAG_SHOW_NAME` to `UDIAG_SHOW_UID`.
  private static let everything: UInt32 = 0x7f

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> UnixSocket? {
    guard Int(message.type) == Int(SOCK_DIAG_BY_FAMILY), let socket = try UnixSocket(message, in: datagram),
      states.contains(socket.state)
    else { return nil }
    return socket
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    ErrorNumber.meaning(failure.errno).code == .notFound
      ? (.notSupported, "this kernel does not list them; the module unix_diag is missing") : nil
  }
}
