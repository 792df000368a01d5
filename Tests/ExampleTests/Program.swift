// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation

/// A program of this package, run as a user would run it.
struct Program {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  let path: String

  /// The program beside this test bundle.
  init(_ name: String) {
    path =
      URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: name).path
  }

  /// Runs it to its end, below a `wrapper` command if given (one that drops privileges, say), and calls `onStart` meanwhile.
  func run(
    _ arguments: [String], wrapper: [String] = [], onStart: (Process) async throws -> Void = { _ in }
  ) async throws -> Outcome {
    let folder = FileManager.default.temporaryDirectory.appending(path: "terwaykit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = try ["output", "errors"].map { name in
      let file = folder.appending(path: name)
      try Data().write(to: file)
      return try FileHandle(forWritingTo: file)
    }
    let process = Process()
    let command = wrapper + [path] + arguments
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = files[0]
    process.standardError = files[1]
    try process.runUnblocked()
    try await onStart(process)
    while process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
    func text(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
    }
    return Outcome(status: process.terminationStatus, output: try text("output"), errors: try text("errors"))
  }
}
