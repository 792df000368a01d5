// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation

/// Something to know that is no failure, on standard error.
func warn(_ sentence: String) {
  try? FileHandle.standardError.write(contentsOf: Data("bpfmap: \(sentence)\n".utf8))
}

/// Writes at once, for whoever reads it through a pipe.
func write(_ text: String) throws { try emit(text + "\n") }

/// Writes text, without what a terminal would obey: processes, and types in files, have what names they like.
private func emit(_ text: String) throws {
  func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "\n" || scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)
  }
  var text = text
  if !text.unicodeScalars.allSatisfy(isPlain) {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text.unicodeScalars.map { isPlain($0) ? $0 : "\u{fffd}" })
    text = String(scalars)
  }
  do {
    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  } catch {
    throw ExampleError("the output cannot be written; is the disk full, or its reader gone?")
  }
}

/// Prints JSON objects as one list, an object to a line.
func writeList(_ objects: [String]) throws { try write("[" + objects.joined(separator: ",\n ") + "]") }

/// The same one by one, for lists that are too long to keep.
struct ListWriter {
  private var text = "["
  private var isFirst = true

  mutating func append(_ object: String) throws {
    if !isFirst { text += ",\n " }
    isFirst = false
    text += object
    if text.utf8.count > 1 << 16 { try flush() }
  }

  mutating func end() throws {
    text += "]\n"
    try flush()
  }

  private mutating func flush() throws {
    try emit(text)
    text = ""
  }
}
