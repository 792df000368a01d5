// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A netlink socket to the kernel's side of interfaces and filters, in the namespace of the thread that opened it.
///
/// It stays in that namespace, so that any thread can ask there later, without a descriptor and without privilege to
/// enter. libbpf can look at one filter whose numbers are known, over a socket that it opens each time, and this module
/// knows no netlink library, so it asks itself.
///
/// One exchange at a time.
struct RouteSocket: ~Copyable, Sendable {
  /// A request, and the kind of message that answers it.
  struct Request: Sendable {
    /// An `RTM_*`.
    var type: UInt16
    /// The `RTM_*` of what answers; other messages are passed over.
    var reply: UInt16 = 0
    /// The `NLM_F_*` beside `NLM_F_REQUEST` and `NLM_F_ACK`.
    var flags: UInt16 = 0
    var payload: [UInt8]

    /// Everything there is: `NLM_F_DUMP`.
    static let dump: UInt16 = 0x300
    /// In place of what is there: `NLM_F_REPLACE`.
    static let replace: UInt16 = 0x100
  }

  /// How an exchange ended.
  struct Outcome: Sendable {
    /// 0, or a negative error number.
    var status: CInt
    /// What the kernel said of it.
    var words: [String] = []
  }

  private let descriptor: OwnedFileDescriptor

  /// Opens a socket in the calling thread's namespace, which nobody but the kernel can send to.
  init() throws(Errno) {
    let number = socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw Errno(rawValue: errno) }
    let owned = OwnedFileDescriptor(taking: number)
    // NETLINK_CAP_ACK, NETLINK_EXT_ACK: an acknowledgement without the request, with the kernel's words.
    for option in [10, 11] as [CInt] {
      var isOn: CInt = 1
      _ = unsafe setsockopt(number, 270, option, &isOn, socklen_t(MemoryLayout<CInt>.size))
    }
    // struct sockaddr_nl of the kernel. The owner of a namespace may be hostile, and could write into the socket.
    let address = [UInt8(AF_NETLINK)] + [UInt8](repeating: 0, count: 15)
    let result = unsafe address.withUnsafeBytes { bytes in
      unsafe bytes.withMemoryRebound(to: sockaddr.self) { unsafe connect(number, $0.baseAddress, 12) }
    }
    guard result == 0 else { throw Errno(rawValue: errno) }
    descriptor = owned
  }

  /// Sends a request, and calls `body` with the payload of each answer.
  borrowing func exchange(_ request: Request, _ body: (ArraySlice<UInt8>) -> Void = { _ in }) -> Outcome {
    // struct nlmsghdr. A number that is no other's: what is left of an exchange that broke off is passed over.
    let sequence = UInt32.random(in: 1...UInt32.max)
    let message =
      Self.bytes(UInt32(16 + request.payload.count)) + Self.bytes(request.type) + Self.bytes(request.flags | 5)
      + Self.bytes(sequence) + Self.bytes(UInt32(0)) + request.payload
    let socket = descriptor.rawValue
    let sent = Self.retry { unsafe message.withUnsafeBytes { unsafe send(socket, $0.baseAddress, $0.count, 0) } }
    guard sent == message.count else { return Outcome(status: sent < 0 ? -errno : -EIO) }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Self.retry {
        unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
      }
      guard count > 0 else { return Outcome(status: count == 0 ? -EIO : -errno) }
      var rest = buffer[..<count]
      while rest.count >= 16 {
        let length = Int(Self.number(rest, 0))
        guard length >= 16, length <= rest.count else { return Outcome(status: -EIO) }
        let payload = rest.dropFirst(16).prefix(length - 16)
        if Self.number(rest, 8) == sequence {
          switch UInt16(truncatingIfNeeded: Self.number(rest, 4)) {
          case 2, 3: return Self.outcome(payload, flags: Self.number(rest, 4) >> 16)  // NLMSG_ERROR, NLMSG_DONE
          case request.reply: body(payload)
          default: break
          }
        }
        rest = rest.dropFirst((length + 3) / 4 * 4)
      }
    }
  }

  /// `struct nlmsgerr`, without the request, and the words after it where the flag `NLM_F_ACK_TLVS` says that there are.
  private static func outcome(_ payload: ArraySlice<UInt8>, flags: UInt32) -> Outcome {
    guard payload.count >= 4 else { return Outcome(status: 0) }
    let status = CInt(bitPattern: number(payload, 0))
    guard flags & 0x200 != 0, let words = attribute(1, in: payload.dropFirst(20)) else {
      return Outcome(status: status)
    }
    return Outcome(status: status, words: [text(words)])
  }

  /// Calls again where a signal came in between.
  private static func retry(_ call: () -> Int) -> Int {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }
}

// What messages are made of. `struct nlattr`
extension RouteSocket {
  /// A number's bytes in memory.
  static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
  }

  /// An attribute, padded to 4 bytes.
  static func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    return bytes(UInt16(clamping: 4 + value.count)) + bytes(type) + value + padding
  }

  /// The number at an offset, on a little-endian machine; bytes that are not there are 0.
  static func number(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt32 {
    bytes.dropFirst(offset).prefix(4).enumerated().reduce(0) { $0 | UInt32($1.element) << (8 * UInt32($1.offset)) }
  }

  /// The value of the first attribute of a type.
  static func attribute(_ type: UInt32, in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var rest = bytes
    while rest.count >= 4 {
      let header = number(rest, 0)
      let length = Int(header & 0xffff)
      guard length >= 4, length <= rest.count else { return nil }
      if header >> 16 & 0x3fff == type { return rest.dropFirst(4).prefix(length - 4) }
      rest = rest.dropFirst((length + 3) / 4 * 4)
    }
    return nil
  }

  static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
