// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

@testable import NetlinkKit

/// A stand-in for the kernel: each request is answered with datagrams that a script makes of it.
///
/// Only for what the real kernel does not do on demand.
final class FakeKernel: MessageTransport {
  /// What happens when the socket asks for a datagram.
  enum Step: Sendable {
    case datagram([UInt8], sender: UInt32 = 0)
    /// A datagram that is there but longer than it looks.
    case oversized(Int)
    case failure(Int32)
    /// Nothing, until the deadline or cancellation.
    case silence
  }

  let port: UInt32 = 4242
  private let script: @Sendable (_ request: Int, _ sequence: UInt32) -> [Step]
  private let state = Mutex(State())

  private struct State {
    var requests: [[UInt8]] = []
    /// In reverse, so that taking one is cheap.
    var pending: [Step] = []
  }

  init(_ script: @escaping @Sendable (_ request: Int, _ sequence: UInt32) -> [Step]) { self.script = script }

  /// The requests so far.
  var requests: [[UInt8]] { state.withLock { $0.requests } }

  func send(_ datagram: UnsafeRawBufferPointer) throws(TransportError) {
    let bytes = unsafe [UInt8](datagram)
    let sequence = unsafe datagram.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    state.withLock { state in
      state.requests.append(bytes)
      state.pending = script(state.requests.count, sequence).reversed() + state.pending
    }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReceivedDatagram? {
    let step: Step? = state.withLock { state in
      guard let first = state.pending.last else { return nil }
      if case .silence = first { return nil }
      return state.pending.removeLast()
    }
    switch step {
    case nil, .silence?: return nil
    case .datagram(let bytes, let sender)?:
      unsafe buffer.copyBytes(from: bytes)
      return ReceivedDatagram(length: bytes.count, sender: sender)
    case .oversized(let length)?: return ReceivedDatagram(length: length, sender: 0)
    case .failure(let number)?: throw TransportError(call: "recvfrom", errno: number)
    }
  }

  func waitUntilReadable(until deadline: ContinuousClock.Instant) async -> Readiness {
    do {
      try await Task.sleep(until: deadline, clock: .continuous)
      return .timedOut
    } catch {
      return .cancelled
    }
  }

  /// What was kept back by `silence` arrives after all.
  func speak() {
    state.withLock { state in
      state.pending.removeAll { if case .silence = $0 { true } else { false } }
    }
  }
}

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
