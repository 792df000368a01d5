// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Something to know that is no failure, on standard error.
func warn(_ sentence: String) {
  try? FileHandle.standardError.write(contentsOf: Data("bpfmap: \(sentence)\n".utf8))
}

/// Writes at once, for whoever reads it through a pipe.
func write(_ text: String) throws {
  try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
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
    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    text = ""
  }
}
