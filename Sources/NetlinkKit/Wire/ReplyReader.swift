// SPDX-License-Identifier: Apache-2.0

/// How messages become values of one kind, and values messages again.
///
/// For those in this package that work on whole messages: the fake kernel and the fuzzer.
package struct ReplyReader<Value: Sendable & Equatable>: Sendable {
  /// What it reads, as a word.
  package let name: String
  /// The type of the messages that it reads; nil when it reads all.
  let type: UInt16?
  /// The size of the fixed header, when a value that was read, written and read again must be the same; else nil.
  let exactBehind: Int?
  let read: @Sendable (Message, RawSpan) throws(WireError) -> Value?
  let write: (@Sendable (Value, MessageWriter) -> Void)?

  init(
    _ name: String, type: Int?, exactBehind: Int? = nil,
    read: @escaping @Sendable (Message, RawSpan) throws(WireError) -> Value?,
    write: (@Sendable (Value, MessageWriter) -> Void)? = nil
  ) {
    self.name = name
    self.type = type.map { UInt16(truncatingIfNeeded: $0) }
    self.exactBehind = exactBehind
    self.read = read
    self.write = write
  }

  /// Reads what `query` is answered with.
  init<Query: NetlinkQuery>(
    _ name: String, type: Int, exactBehind: Int? = nil, answering query: Query,
    write: (@Sendable (Value, MessageWriter) -> Void)? = nil
  ) where Query.Element == Value {
    self.init(
      name, type: type, exactBehind: exactBehind,
      read: { message, datagram throws(WireError) in try query.decode(message, in: datagram) }, write: write)
  }

  /// The values in the messages of `datagram` that are of this kind and can be read.
  package func values(in datagram: [UInt8]) -> [Value] {
    let span = unsafe datagram.span.bytes
    var cursor = MessageCursor()
    var values: [Value] = []
    while let message = try? cursor.next(in: span) {
      guard type == nil || message.type == type else { continue }
      if let value = try? read(message, span) { values.append(value) }
    }
    return values
  }

  /// What follows the message header when `value` is sent; nil when this kind is never sent, or it does not fit.
  package func payload(of value: Value) -> [UInt8]? {
    guard let write else { return nil }
    let writer = MessageWriter()
    writer.begin(type: type ?? 0, flags: 0, sequence: 0)
    write(value, writer)
    return writer.failure == nil ? Array(writer.bytes[Message.headerSize...]) : nil
  }
}

/// A ``ReplyReader`` of whatever kind.
package protocol AnyReplyReader: Sendable {
  /// What it reads, as a word.
  var name: String { get }

  /// Reads every message of `datagram` as if it were of this reader's type, and writes again what could be read.
  ///
  /// - Parameters:
  ///   - datagram: any bytes at all.
  ///   - writer: is overwritten; the same one for many calls.
  ///   - describing: whether to ask for each value's description as well, which takes long.
  /// - Returns: What came of it.
  func exercise(_ datagram: [UInt8], writer: MessageWriter, describing: Bool) -> ReplyExercise
}

/// What came of reading bytes.
package struct ReplyExercise: Sendable {
  /// How many messages became values.
  package var values = 0
  /// How many messages were refused with an error.
  package var refusals = 0
  /// How many values were written, read again and found the same.
  package var roundTrips = 0
  /// What must not be: a value that cannot be written, or is another one when it is read again.
  package var complaint: String?
}

extension ReplyReader: AnyReplyReader {
  package func exercise(_ datagram: [UInt8], writer: MessageWriter, describing: Bool) -> ReplyExercise {
    var outcome = ReplyExercise()
    let span = unsafe datagram.span.bytes
    var cursor = MessageCursor()
    while true {
      do throws(WireError) {
        guard let found = try cursor.next(in: span) else { break }
        let message = Message(
          type: type ?? found.type, flags: found.flags, sequence: found.sequence, port: found.port,
          payload: found.payload)
        guard let value = try read(message, span) else { continue }
        outcome.values += 1
        if describing { outcome.complaint = "\(value)".isEmpty ? "\(name): an empty description" : outcome.complaint }
        try again(value, like: message, in: span, writer, &outcome)
      } catch {
        outcome.refusals += 1
        // The walk over messages cannot go on after an error of its own; it can after one inside a message.
        if case .messageLength(let offset, _, _) = error, offset == cursor.offset { break }
      }
    }
    return outcome
  }

  /// Writes `value` and reads it again.
  private func again(
    _ value: Value, like message: Message, in datagram: RawSpan, _ writer: MessageWriter,
    _ outcome: inout ReplyExercise
  ) throws(WireError) {
    guard let write else { return }
    writer.reset()
    writer.begin(type: message.type, flags: message.flags, sequence: message.sequence)
    write(value, writer)
    if let failure = writer.failure {
      outcome.complaint = "\(name): what was read cannot be written: \(failure)"
      return
    }
    // Of an attribute that comes twice, which the kernel never sends, a value may keep both and write one.
    guard let exactBehind, try !ReplyReader.repeatsItself(message, behind: exactBehind, in: datagram) else { return }
    let bytes = writer.bytes
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    do throws(WireError) {
      let same = try cursor.next(in: span).flatMap { message throws(WireError) in try read(message, span) }
      if same == value {
        outcome.roundTrips += 1
      } else {
        outcome.complaint =
          "\(name): what was written is read as something else: "
          + ReplyReader.difference("\(value)", same.map { "\($0)" } ?? "nothing")
      }
    } catch {
      outcome.complaint = "\(name): what was written cannot be read: \(error)"
    }
  }

  private static func repeatsItself(
    _ message: Message, behind headerSize: Int, in datagram: RawSpan
  ) throws(WireError) -> Bool {
    var seen: Set<UInt16> = []
    var cursor = message.attributes(after: headerSize)
    while let attribute = try cursor.next(in: datagram) {
      guard seen.insert(attribute.type).inserted else { return true }
    }
    return false
  }

  /// What is in the one text and what in the other, where they differ first.
  private static func difference(_ one: String, _ other: String) -> String {
    let common = zip(one, other).prefix { $0 == $1 }.count
    let start = max(0, common - 40)
    return "\(one.dropFirst(start).prefix(120)) / \(other.dropFirst(start).prefix(120))"
  }
}
