// SPDX-License-Identifier: Apache-2.0

internal import ExampleSupport
package import Foundation
internal import Glibc

/// A program of this package, run as a user would run it.
package struct Program {
  package struct Outcome {
    /// The exit status, or the signal that ended it.
    package var status: Int32
    /// Whether it ended by itself, not by a signal.
    package var hasExited: Bool
    package var output: String
    package var errors: String
    /// The process that it was.
    package var process: Int32
  }

  package let path: String

  /// The program beside this test bundle.
  package init(_ name: String) {
    path =
      URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: name).path
  }

  /// A program of the system.
  package init(path: String) { self.path = path }

  /// Runs it to its end, below a `wrapper` command if given (one that drops privileges, say), and calls `onStart` meanwhile.
  ///
  /// Nothing of `environment` is inherited where it is given.
  package func run(
    _ arguments: [String], wrapper: [String] = [], environment: [String: String]? = nil,
    onStart: (Process) async throws -> Void = { _ in }
  ) async throws -> Outcome {
    try await run(arguments, wrapper, environment) { process, _ in try await onStart(process) }
  }

  /// Runs it, hands over the first line that it prints, ends it with a signal, and waits for its end.
  package func serve(
    _ arguments: [String], environment: [String: String] = [:], endWith signal: Int32 = SIGTERM,
    _ body: (String) async throws -> Void
  ) async throws -> Outcome {
    try await run(arguments, [], environment) { process, output in
      var text = ""
      for _ in 0..<500 where process.isRunning && !text.hasSuffix("\n") {
        try await Task.sleep(for: .milliseconds(20))
        text = try String(contentsOf: output, encoding: .utf8)
      }
      if text.hasSuffix("\n") { try await body(text) }
      kill(process.processIdentifier, signal)
    }
  }

  /// Runs it, calls `body` with the file that it prints into, ends it with a signal, and waits for its end.
  package func follow(
    _ arguments: [String], endWith signal: Int32, _ body: (URL) async throws -> Void
  ) async throws -> Outcome {
    try await run(arguments, [], nil) { process, output in
      try await body(output)
      kill(process.processIdentifier, signal)
    }
  }

  private func run(
    _ arguments: [String], _ wrapper: [String], _ environment: [String: String]?,
    _ meanwhile: (Process, URL) async throws -> Void
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
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = wrapper + [path] + arguments
    if let environment { process.environment = environment }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = files[0]
    process.standardError = files[1]
    // Foundation keeps a process that ran, and what was given to it: closed here, not when its handles go.
    defer { for file in files { try? file.close() } }
    try process.runUnblocked()
    // Also when `meanwhile` fails, nothing stays behind.
    defer { if process.isRunning { process.terminate() } }
    try await meanwhile(process, folder.appending(path: "output"))
    while process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
    func text(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
    }
    return Outcome(
      status: process.terminationStatus, hasExited: process.terminationReason == .exit, output: try text("output"),
      errors: try text("errors"), process: process.processIdentifier)
  }
}
