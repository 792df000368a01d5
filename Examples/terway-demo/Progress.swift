// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Says what the demo does, while it does it.
///
/// Standard output stays clean when a program reads it.
struct Progress: Sendable {
  private let start = ContinuousClock.now
  private let handle: FileHandle

  init(toStandardError: Bool) { handle = toStandardError ? .standardError : .standardOutput }

  func say(_ text: String) {
    let seconds = (ContinuousClock.now - start).microseconds / 1e6
    // A reader that went away misses the rest.
    try? handle.write(contentsOf: Data("\(String(format: "[%5.1fs]", seconds)) \(text)\n".utf8))
  }
}
