// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A netlink socket that asks about the sockets of one network namespace: that of the thread that made it.
///
/// The module's one door to the C library.
struct SocketDiagnosisChannel: ~Copyable {
  /// How long the kernel may take for an answer; it answers at once or not at all.
  private static let patience = timeval(tv_sec: 5, tv_usec: 0)
  private static let socketDiagnosis: CInt = 4

  private let socket: OwnedFileDescriptor
  private var sequence: UInt32 = 0
  private var buffer = [UInt8](repeating: 0, count: 32 << 10)

  init() throws(Errno) {
    let descriptor = Glibc.socket(
      AF_NETLINK, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), Self.socketDiagnosis)
    if descriptor < 0 { throw Errno(rawValue: errno) }
    socket = OwnedFileDescriptor(taking: descriptor)
    var patience = Self.patience
    // Refused, it would wait longer: no reason not to go on.
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  /// All connected UDP sockets of a family.
  mutating func sockets(family: UInt8) throws(Errno) -> [SocketDiagnosis.Socket] {
    sequence += 1
    try send(SocketDiagnosis.dump(family: family, sequence: sequence))
    var sockets: [SocketDiagnosis.Socket] = []
    while true {
      for answer in try receive() {
        switch answer {
        case .socket(let socket): sockets.append(socket)
        case .done: return sockets
        case .status(let status): if status != 0 { throw Errno(rawValue: status) }
        }
      }
    }
  }

  /// Ends a socket; false: it is gone already.
  mutating func destroy(_ socket: SocketDiagnosis.Socket) throws(Errno) -> Bool {
    sequence += 1
    try send(SocketDiagnosis.destroy(socket, sequence: sequence))
    while true {
      for case .status(let status) in try receive() {
        if status == 0 { return true }
        let error = Errno(rawValue: status)
        if error == .noSuchFileOrDirectory || error == .staleNFSFileHandle { return false }
        throw error
      }
    }
  }

  private func send(_ message: [UInt8]) throws(Errno) {
    guard unsafe Glibc.send(socket.rawValue, message, message.count, 0) == message.count else {
      throw Errno(rawValue: errno)
    }
  }

  private mutating func receive() throws(Errno) -> [SocketDiagnosis.Answer] {
    while true {
      let count = unsafe recv(socket.rawValue, &buffer, buffer.count, 0)
      if count >= 0 { return SocketDiagnosis.answers(in: buffer[..<count], sequence: sequence) }
      if errno != EINTR { throw errno == EAGAIN ? .timedOut : Errno(rawValue: errno) }
    }
  }
}
