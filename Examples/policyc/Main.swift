// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Glibc

/// Parses, and works, with the exit statuses of the format of policy evaluation.
@main
enum Main {
  static func main() {
    // A reader that goes away is no reason to die by a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try PolicycCommand.parseAsRoot()
      try command.run()
      exit(0)
    } catch let failure as Failure {
      complain("policyc: \(failure.message)")
      exit(failure.status.rawValue)
    } catch {
      let status = PolicycCommand.exitCode(for: error)
      if status.isSuccess {
        print(PolicycCommand.fullMessage(for: error))
        exit(0)
      }
      complain(status == .validationFailure ? PolicycCommand.fullMessage(for: error) : "policyc: \(error)")
      exit(status == .validationFailure ? ExitStatus.usage.rawValue : 1)
    }
  }

  private static func complain(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8))
  }
}

/// What the process ends with; 0 is success, 1 any other failure.
enum ExitStatus: Int32 {
  /// A manifest was refused.
  case refused = 2
  /// Wrong arguments.
  case usage = 64
  /// The cluster or the probes cannot be used.
  case unusable = 65
}

/// An end with a sentence and a status of its own.
struct Failure: Error {
  var status: ExitStatus
  var message: String
}
