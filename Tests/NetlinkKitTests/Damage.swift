// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NetlinkKit

/// Reads every cut of a real message, and every message that differs from it in one bit or one byte.
///
/// - Parameters:
///   - name: the fixture with the message.
///   - read: reads it; what it returns does not matter, only that it returns or throws.
/// - Returns: Whether there were values and errors.
/// - Throws: When the fixture cannot be read.
func readDamaged(
  _ name: String, _ read: (Message, RawSpan) throws(WireError) -> Void
) throws -> Set<Bool> {
  let whole = try Fixture(name).bytes
  var outcomes: Set<Bool> = []
  func attempt(_ bytes: [UInt8]) {
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    do throws(WireError) {
      while let message = try cursor.next(in: span) { try read(message, span) }
      outcomes.insert(true)
    } catch { outcomes.insert(false) }
  }
  for length in whole.indices { attempt(Array(whole.prefix(length))) }
  for place in whole.indices {
    for bit in 0..<8 {
      var bytes = whole
      bytes[place] ^= 1 << bit
      attempt(bytes)
    }
    for value in [0, 0xff] as [UInt8] {
      var bytes = whole
      bytes[place] = value
      attempt(bytes)
    }
  }
  return outcomes
}

extension Fixture {
  /// The message as a value.
  func read<Value>(_ body: (Message, RawSpan) throws(WireError) -> Value?) throws -> Value {
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    return try #require(try body(message, span))
  }

  /// Writes our request where another program sent its own, and compares type, flags, header and attributes.
  ///
  /// - Parameters:
  ///   - request: our request.
  ///   - headerSize: how many bytes the fixed header in front of the attributes takes.
  ///   - rows: as of ``expectRoundTrip(headerSize:rows:_:)``.
  /// - Throws: When one of the messages cannot be walked.
  func expectSame(as request: some NetlinkRequest, headerSize: Int, rows: [UInt16: Int] = [:]) throws {
    try expectRoundTrip(headerSize: headerSize, rows: rows) { message, _, writer in
      #expect(Int(message.type) == request.type, "\(name): type")
      // Without those that say how to answer: request, acknowledgement, dump.
      let ours = UInt16(request.flags)
      let theirs = message.flags & ~(request is any NetlinkQuery ? 0x305 : 0x5)
      #expect(ours == theirs, "\(name): flags")
      request.encode(into: writer)
    }
  }
}
