// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import ExampleSupport
import Foundation
import Glibc
import LinuxSystem

/// A program of the system that reads rules from a file.
struct Tool: Sendable {
  let name: String
  let arguments: [String]
  /// Whether the rules are its standard input; else the file is its last argument.
  let isInput: Bool

  init(_ name: String, _ arguments: [String], isInput: Bool = false) {
    self.name = name
    self.arguments = arguments
    self.isInput = isInput
  }

  /// Where a program is; nil where it is not installed.
  static func path(of name: String) -> String? {
    ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs it in a namespace.
  ///
  /// - Parameters:
  ///   - rules: What it reads.
  ///   - namespace: Where it runs.
  /// - Returns: From its start to its end; writing the file is no part of it.
  /// - Throws: With its own words where it fails.
  func run(_ rules: String, in namespace: NetworkNamespace) async throws -> Cost {
    guard let path = Self.path(of: name) else { throw ExampleError("\(name) is not installed") }
    let file = FileManager.default.temporaryDirectory.appending(path: "svc-bench-\(UUID().uuidString)")
    try Data(rules.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try await namespace.run { [self] in
      let process = Process()
      let words = Pipe()
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments + (isInput ? [] : [file.path])
      process.standardInput = isInput ? try FileHandle(forReadingFrom: file) : FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      process.standardError = words
      let cpu = Self.processorTimeOfChildren()
      let before = Measurement.now(CLOCK_MONOTONIC)
      try process.runUnblocked()
      let said = words.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let took = Measurement.now(CLOCK_MONOTONIC) - before
      guard process.terminationStatus == 0 else {
        let text = String(decoding: said, as: UTF8.self).split(separator: "\n").prefix(3).joined(separator: "; ")
        throw ExampleError("\(name) ended with status \(process.terminationStatus): \(text)")
      }
      return Cost(milliseconds: took / 1000, cpu: Self.processorTimeOfChildren() - cpu)
    }
  }

  /// In milliseconds.
  private static func processorTimeOfChildren() -> Double {
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    let times = [usage.ru_utime, usage.ru_stime]
    return times.reduce(0) { $0 + Double($1.tv_sec) * 1000 + Double($1.tv_usec) / 1000 }
  }
}
