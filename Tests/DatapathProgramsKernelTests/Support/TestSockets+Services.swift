// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import NetworkTypes

extension TestSockets {
  /// How a service's address answers a first message.
  enum Answer: Equatable, Sendable {
    case echoed
    /// ECONNREFUSED.
    case refused
    case nothing
  }

  /// Sends a message, from a port unless that is 0, and tells what came of it.
  static func ask(
    _ kind: Kind, _ address: IPAddress, port: UInt16, from source: UInt16 = 0, size: Int = 32, milliseconds: Int
  ) -> Answer {
    let family = address.family == .ipv4 ? AF_INET : AF_INET6
    let type = kind == .tcp ? SOCK_STREAM : SOCK_DGRAM
    let descriptor = Glibc.socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    setTimeout(descriptor, milliseconds)
    if source != 0 {
      reuseAddress(descriptor)
      let any = (address.family == .ipv4 ? Family.v4 : .v6).unspecified
      guard unsafe withSocketAddress(any, source, { unsafe bind(descriptor, $0, $1) }) == 0 else { return .nothing }
    }
    let status = unsafe withSocketAddress(address, port) { unsafe connect(descriptor, $0, $1) }
    if status != 0 { return errno == ECONNREFUSED ? .refused : .nothing }
    let message = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    var sent = 0
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while answer.count < size {
      // At most so much is on the way that neither side waits for the other.
      while sent < size, sent - answer.count < 65_536 {
        let count = unsafe message[sent..<min(size, sent + 65_536)].withUnsafeBytes {
          unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return errno == ECONNREFUSED ? .refused : .nothing }
        sent += count
      }
      let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return errno == ECONNREFUSED ? .refused : .nothing }
      answer += buffer.prefix(count)
    }
    return answer == message ? .echoed : .nothing
  }
}
