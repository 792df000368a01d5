// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// Messages of `NETLINK_SOCK_DIAG` about connected UDP sockets: bytes to values and back.
///
/// `<linux/inet_diag.h>`, `<linux/sock_diag.h>`; numbers in the host's order but for addresses and ports.
enum SocketDiagnosis {
  /// A connected UDP socket.
  struct Socket: Equatable {
    /// Its family, `AF_*`; a socket of IPv6 may talk IPv4.
    var family: UInt8
    /// `struct inet_diag_sockid`: both addresses, and a cookie that no other socket has.
    var identifier: [UInt8]
    /// Where it sends to; IPv4 also where the socket has the mapped form.
    var remote: ServiceBackend.Key?

    /// What no other socket has, as `bpf_get_socket_cookie` says it.
    var cookie: UInt64 {
      let halves = [40, 44].map { SocketDiagnosis.number(UInt32.self, at: $0, in: identifier[...]) ?? 0 }
      return UInt64(halves[1]) << 32 | UInt64(halves[0])
    }
  }

  /// What an answer says.
  enum Answer: Equatable {
    case socket(Socket)
    /// The end of a dump.
    case done
    /// 0: an acknowledgement; else `errno`.
    case status(CInt)
  }

  private static let headerSize = 16
  private static let identifierSize = 48
  private static let requestSize = 56
  /// `struct inet_diag_msg`.
  private static let answerSize = 72

  private static let messageError: UInt16 = 2
  private static let messageDone: UInt16 = 3
  private static let byFamily: UInt16 = 20
  private static let destroy: UInt16 = 21
  private static let flagRequest: UInt16 = 1
  private static let flagAcknowledge: UInt16 = 4
  private static let flagDump: UInt16 = 0x300
  /// `1 << TCP_ESTABLISHED`: what connected UDP sockets are too.
  private static let connected: UInt32 = 1 << 1

  /// Asks for all connected UDP sockets of a family.
  static func dump(family: UInt8, sequence: UInt32) -> [UInt8] {
    message(
      byFamily, flagRequest | flagDump, sequence,
      request(family: family, identifier: Array(repeating: 0, count: identifierSize)))
  }

  /// Asks for the end of a socket: its calls fail with `ECONNABORTED`.
  static func destroy(_ socket: Socket, sequence: UInt32) -> [UInt8] {
    message(
      destroy, flagRequest | flagAcknowledge, sequence, request(family: socket.family, identifier: socket.identifier))
  }

  private static func request(family: UInt8, identifier: [UInt8]) -> [UInt8] {
    [family, IPProtocol.udp.rawValue, 0, 0] + bytes(of: connected) + identifier
  }

  private static func message(_ type: UInt16, _ flags: UInt16, _ sequence: UInt32, _ payload: [UInt8]) -> [UInt8] {
    bytes(of: UInt32(headerSize + payload.count)) + bytes(of: type) + bytes(of: flags) + bytes(of: sequence)
      + bytes(of: UInt32(0)) + payload
  }

  /// Reads the messages of a datagram; those of other requests, and what makes no sense, are passed over.
  static func answers(in datagram: ArraySlice<UInt8>, sequence: UInt32) -> [Answer] {
    var answers: [Answer] = []
    var rest = datagram
    while let length = number(UInt32.self, at: 0, in: rest), length >= headerSize, length <= rest.count,
      let type = number(UInt16.self, at: 4, in: rest), let number = number(UInt32.self, at: 8, in: rest)
    {
      let payload = rest[(rest.startIndex + headerSize)..<(rest.startIndex + Int(length))]
      rest = rest.dropFirst((Int(length) + 3) & ~3)
      guard number == sequence else { continue }
      switch type {
      case messageDone: answers.append(.done)
      case messageError:
        if let status = Self.number(UInt32.self, at: 0, in: payload) {
          answers.append(.status(-CInt(bitPattern: status)))
        }
      case byFamily:
        if let socket = socket(payload) { answers.append(.socket(socket)) }
      default: break
      }
    }
    return answers
  }

  private static func socket(_ payload: ArraySlice<UInt8>) -> Socket? {
    guard payload.count >= answerSize, let family = payload.first else { return nil }
    let start = payload.startIndex + 4
    let identifier = payload[start..<(start + identifierSize)]
    let port = UInt16(identifier[start + 2]) << 8 | UInt16(identifier[start + 3])
    let address = identifier[(start + 20)..<(start + 36)]
    let remote: IPAddress?
    if family == AddressFamily.ipv4.rawValue {
      remote = IPAddress(bytes: address.prefix(4))
    } else if address.prefix(12).elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) {
      remote = IPAddress(bytes: address.suffix(4))
    } else {
      remote = IPAddress(bytes: address)
    }
    var socket = Socket(family: family, identifier: Array(identifier), remote: nil)
    if let remote, let port = Port(rawValue: port) { socket.remote = ServiceBackend.Key(address: remote, port: port) }
    return socket
  }

  private static func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] {
    let bytes = (0..<(Number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
    return isLittleEndian ? bytes : bytes.reversed()
  }

  static func number<Number: FixedWidthInteger>(
    _ type: Number.Type, at offset: Int, in bytes: ArraySlice<UInt8>
  ) -> Number? {
    let size = Number.bitWidth / 8
    guard bytes.count >= offset + size else { return nil }
    let field = bytes[(bytes.startIndex + offset)..<(bytes.startIndex + offset + size)]
    return (isLittleEndian ? Array(field.reversed()) : Array(field)).reduce(0) { $0 << 8 | Number($1) }
  }

  private static var isLittleEndian: Bool { UInt16(1).littleEndian == 1 }
}
