// SPDX-License-Identifier: Apache-2.0

/// The memory that datagrams are received into, reused for each.
@safe
final class ReceiveBuffer {
  private let storage: UnsafeMutableRawBufferPointer

  /// The kernel fills a dump's datagrams up to 32 KiB; one link with many virtual functions can take more.
  static let capacity = 64 << 10

  init() { unsafe storage = .allocate(byteCount: ReceiveBuffer.capacity, alignment: 16) }

  deinit { unsafe storage.deallocate() }

  /// Takes one datagram from `transport`; nil when none is there.
  func receive(from transport: any MessageTransport) throws(TransportError) -> ReceivedDatagram? {
    try unsafe transport.receive(into: storage)
  }

  /// The first `length` bytes of the buffer, at most all of them.
  func withBytes<Result, Failure: Error>(
    _ length: Int, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: storage[..<min(length, storage.count)])
    return try unsafe body(bytes.bytes)
  }
}
