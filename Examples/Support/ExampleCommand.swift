// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
internal import Foundation
internal import Glibc

/// A command with this project's exit statuses: 0 for success, 1 for failure, 2 for wrong usage.
///
/// A failure is one sentence on standard error that names the thing and the remedy; never a stack trace.
public protocol ExampleCommand: AsyncParsableCommand {}

extension ExampleCommand {
  /// Parses the arguments, runs the command, and exits with the project's statuses.
  ///
  /// - Parameter arguments: The arguments without the program's name; nil for the process's own.
  public static func runAndExit(_ arguments: [String]? = nil) async -> Never {
    // A reader that goes away is no reason to die without cleaning up.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      Foundation.exit(0)
    } catch {
      let status = exitCode(for: error)
      if status.isSuccess {
        print(fullMessage(for: error))
        Foundation.exit(0)
      }
      let isUsage = status == .validationFailure
      if !(error is ExitCode) {
        let text = isUsage ? fullMessage(for: error) : "\(configuration.commandName ?? "\(self)"): \(error)"
        try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8))
      }
      Foundation.exit(isUsage ? 2 : max(status.rawValue, 1))
    }
  }
}

/// A failure in one sentence: what, and what helps.
public struct ExampleError: Error, CustomStringConvertible {
  /// The sentence.
  public let description: String

  /// Makes an error from its sentence.
  public init(_ description: String) { self.description = description }
}
