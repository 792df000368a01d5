// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import NetlinkKit

/// A message that was really sent: a file in `Fixtures` names the command, the kernel and the date.
struct Fixture {
  let name: String
  let bytes: [UInt8]

  init(_ name: String) throws {
    let url = try #require(
      Bundle.module.url(forResource: name, withExtension: "hex", subdirectory: "Fixtures"), "no fixture \(name)")
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
    for word in ["# command: ", "# kernel: ", "# date: "] {
      #expect(lines.contains { $0.hasPrefix(word) }, "\(name) lacks \(word)")
    }
    let digits = Array(lines.filter { !$0.hasPrefix("#") }.joined().filter(\.isHexDigit))
    self.name = name
    bytes = try stride(from: 0, to: digits.count, by: 2).map {
      try #require(UInt8(String(digits[$0..<$0 + 2]), radix: 16))
    }
  }

  /// Reads the message and writes it again; every byte of the payload must come back.
  ///
  /// Two things are not compared, because netlink gives them no meaning: the order of attributes in one list, and the
  /// bit that says "nested" (`NLA_F_NESTED`), which the kernel and `ip` set on some and leave out on others.
  ///
  /// - Parameters:
  ///   - headerSize: how many bytes the fixed header in front of the attributes takes.
  ///   - rows: attributes, by type, that are no list of attributes but rows, each a struct that begins with the row's length,
  ///     and attributes; how many bytes the struct takes.
  ///   - textMayLackZero: whether text of theirs may end without the zero byte that ours has, as `ip` sends the kind of a
  ///     link; the kernel takes both.
  ///   - again: reads the value and writes it, fixed header first.
  /// - Throws: What `again` throws, and when a message cannot be walked.
  func expectRoundTrip(
    headerSize: Int, rows: [UInt16: Int] = [:], textMayLackZero: Bool = false,
    _ again: (_ message: Message, _ datagram: RawSpan, _ writer: MessageWriter) throws -> Void
  ) throws {
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    let writer = MessageWriter()
    writer.begin(type: message.type, flags: message.flags, sequence: message.sequence)
    try again(message, span, writer)
    #expect(writer.failure == nil)
    let theirs = Array(bytes[message.payload])
    let ours = Array(writer.bytes[Message.headerSize...])
    #expect(ours.prefix(headerSize) == theirs.prefix(headerSize), "\(name): fixed header")
    try compare(ours, theirs, from: Attribute.aligned(headerSize), path: "", rows, textMayLackZero)
  }

  private func compare(
    _ ours: [UInt8], _ theirs: [UInt8], from start: Int, path: String, _ rows: [UInt16: Int], _ textMayLackZero: Bool
  ) throws {
    let our = try Fixture.attributes(ours, from: start)
    let their = try Fixture.attributes(theirs, from: start)
    #expect(our.map(\.type) == their.map(\.type), "\(name): attributes of \(path.isEmpty ? "the message" : path)")
    for (left, right) in zip(our, their) {
      let place = "\(path)/\(left.type)"
      if let size = rows[left.type], left.payload != right.payload {
        let (our, their) = (try Fixture.rows(left.payload), try Fixture.rows(right.payload))
        #expect(our.map { $0.prefix(size) } == their.map { $0.prefix(size) }, "\(name): \(place)")
        for (left, right) in zip(our, their) { try compare(left, right, from: size, path: place, [:], textMayLackZero) }
      } else if left.isNested, left.payload != right.payload {
        try compare(left.payload, right.payload, from: 0, path: place, [:], textMayLackZero)
      } else if textMayLackZero, left.payload == right.payload + [0] {
        continue
      } else {
        #expect(left.payload == right.payload, "\(name): \(place)")
      }
    }
  }

  /// The rows of an attribute.
  private static func rows(_ bytes: [UInt8]) throws -> [[UInt8]] {
    var rows: [[UInt8]] = []
    var start = 0
    while start + 2 <= bytes.count {
      let length = Int(bytes[start]) | Int(bytes[start + 1]) << 8
      try #require(length >= 2 && start + length <= bytes.count)
      rows.append(Array(bytes[start..<start + length]))
      start += Attribute.aligned(length)
    }
    return rows
  }

  private struct Element {
    let type: UInt16
    let isNested: Bool
    let payload: [UInt8]
  }

  /// The attributes by type; those of one type in the order they came.
  private static func attributes(_ bytes: [UInt8], from start: Int) throws -> [Element] {
    let span = unsafe bytes.span.bytes
    var cursor = AttributeCursor(min(start, bytes.count)..<bytes.count)
    var elements: [(place: Int, element: Element)] = []
    while let attribute = try cursor.next(in: span) {
      let isNested = bytes[attribute.whole.lowerBound + 3] & 0x80 != 0
      elements.append(
        (elements.count, Element(type: attribute.type, isNested: isNested, payload: Array(bytes[attribute.payload]))))
    }
    return elements.sorted { ($0.element.type, $0.place) < ($1.element.type, $1.place) }.map(\.element)
  }
}
