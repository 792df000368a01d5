// SPDX-License-Identifier: Apache-2.0

import NetlinkTesting

@testable import NetlinkKit

/// A fake kernel all of whose answers come from `script`, and its socket.
///
/// - Parameters:
///   - timeout: how long the socket waits for an answer.
///   - attempts: how often it makes a listing.
///   - script: gets the number of the datagram, from 1, and the sequence number of its first request.
/// - Returns: Both.
func scripted(
  timeout: Duration = .seconds(5), attempts: Int = 3,
  _ script: @escaping @Sendable (_ request: Int, _ sequence: UInt32) -> [FakeKernel.Arrival]
) -> (NetlinkSocket, FakeKernel) {
  let kernel = FakeKernel(timeout: timeout, dumpAttempts: attempts)
  kernel.answer { datagram, number in
    let sequence = datagram[8..<12].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return script(number, sequence)
  }
  return (kernel.socket, kernel)
}

/// A fake kernel all of whose answers come from `script`.
func scriptedKernel(
  _ script: @escaping @Sendable (_ request: Int, _ sequence: UInt32) -> [FakeKernel.Arrival]
) -> FakeKernel { scripted(script).1 }

/// Bytes of messages, put together by hand.
enum Bytes {
  static func of<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  static func message(
    _ type: Int32, _ payload: [UInt8], flags: Int32 = 0, sequence: UInt32, port: UInt32 = 4242, length: Int? = nil
  ) -> [UInt8] {
    var bytes = of(UInt32(length ?? 16 + payload.count)) + of(UInt16(type)) + of(UInt16(flags)) + of(sequence)
    bytes += of(port) + payload
    while bytes.count % 4 != 0 { bytes.append(0) }
    return bytes
  }

  static func attribute(_ type: Int32, _ payload: [UInt8], length: Int? = nil) -> [UInt8] {
    var bytes = of(UInt16(length ?? 4 + payload.count)) + of(UInt16(type)) + payload
    while bytes.count % 4 != 0 { bytes.append(0) }
    return bytes
  }

  /// An acknowledgement, or a refusal.
  static func answer(_ number: Int32 = 0, sequence: UInt32, port: UInt32 = 4242) -> [UInt8] {
    message(2, of(-number) + [UInt8](repeating: 0, count: 16), flags: 0x100, sequence: sequence, port: port)
  }

  static func done(sequence: UInt32, flags: Int32 = 2) -> [UInt8] {
    message(3, of(Int32(0)), flags: flags, sequence: sequence)
  }

  /// A link in a dump.
  static func link(_ index: Int32, _ name: String, sequence: UInt32, flags: Int32 = 2, port: UInt32 = 4242) -> [UInt8] {
    let header = [0, 0, 1, 0] + of(index) + of(UInt32(1)) + of(UInt32(0))
    return message(16, header + attribute(3, Array(name.utf8) + [0]), flags: flags, sequence: sequence, port: port)
  }
}
