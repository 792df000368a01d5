// SPDX-License-Identifier: Apache-2.0

import Foundation

/// JSON as bytes, written once at the end: a million verdicts take a fraction of a second.
struct JSONOutput {
  private(set) var bytes: [UInt8] = []
  /// Whether a comma is needed before the next value.
  private var needsComma = false

  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  mutating func object(_ body: (inout JSONOutput) -> Void) { group("{", "}", body) }
  mutating func array(_ body: (inout JSONOutput) -> Void) { group("[", "]", body) }

  mutating func array<Item>(_ items: some Sequence<Item>, _ body: (inout JSONOutput, Item) -> Void) {
    array { output in
      for item in items { body(&output, item) }
    }
  }

  mutating func member(_ name: String, _ body: (inout JSONOutput) -> Void) {
    separate()
    quote(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
    body(&self)
  }

  mutating func member(_ name: String, _ text: String) { member(name) { $0.string(text) } }
  mutating func member(_ name: String, _ number: Int) { member(name) { $0.raw("\(number)") } }
  mutating func member(_ name: String, _ flag: Bool) { member(name) { $0.raw("\(flag)") } }

  mutating func string(_ text: String) {
    separate()
    quote(text)
  }

  /// JSON that is written already.
  mutating func raw(_ json: String) {
    separate()
    bytes += json.utf8
  }

  /// Bytes as they are, with commas or whatever else they need.
  mutating func append(_ json: [UInt8]) { bytes += json }

  /// Prints it as one document.
  func write() throws {
    try writeOutput(Data(bytes + [0x0A]))
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func group(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONOutput) -> Void) {
    separate()
    bytes.append(UInt8(ascii: open))
    needsComma = false
    body(&self)
    bytes.append(UInt8(ascii: close))
    needsComma = true
  }

  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        bytes += "\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

/// Prints text and a line's end.
func write(_ text: String) throws { try writeOutput(Data("\(text)\n".utf8)) }

/// The output could not be written.
private struct OutputError: Error, CustomStringConvertible {
  var description: String
}

private func writeOutput(_ data: Data) throws {
  do {
    try FileHandle.standardOutput.write(contentsOf: data)
  } catch {
    throw OutputError(description: "the output cannot be written; is the disk full, or its reader gone?")
  }
}

extension JSONOutput {
  /// The format's document for refused manifests.
  static func errors(_ problems: [PolicyFile.Problem]) -> JSONOutput {
    var output = JSONOutput()
    output.object { output in
      output.member("formatVersion", 1)
      output.member("errors") { output in
        output.array(problems) { output, problem in
          output.object { output in
            output.member("document") { $0.raw(problem.document.map { "\($0)" } ?? "null") }
            output.member("path", problem.path)
            output.member("message", problem.message)
            if let line = problem.line { output.member("line", line) }
          }
        }
      }
    }
    return output
  }
}
