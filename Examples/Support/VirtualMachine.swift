// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Runs this very program again on the project's virtual machine (Debian's 6.1 kernel), where the running kernel
/// lacks a feature.
public enum VirtualMachine {
  /// The project's boot script, searched upwards from the working directory and from the program.
  ///
  /// - Returns: Its path; nil outside a checkout.
  public static func script() -> String? {
    let manager = FileManager.default
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
    for start in [manager.currentDirectoryPath, program] {
      var directory = URL(fileURLWithPath: start)
      while directory.path != "/" {
        let script = directory.appending(path: "Tests/VirtualMachine/vm").path
        if manager.isExecutableFile(atPath: script) { return script }
        directory.deleteLastPathComponent()
      }
    }
    return nil
  }

  /// Boots the machine, runs this program there with `arguments`, and returns its exit status.
  ///
  /// - Parameters:
  ///   - script: As ``script()`` found it.
  ///   - arguments: The program's arguments.
  /// - Returns: The exit status.
  /// - Throws: When the script can't be started.
  public static func run(script: String, arguments: [String]) async throws -> Int32 {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: script)
    process.arguments = ["run", "--", program] + arguments
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
        do {
          try process.run()
        } catch {
          process.terminationHandler = nil
          continuation.resume(throwing: error)
        }
      }
    } onCancel: {
      process.interrupt()
    }
  }
}
