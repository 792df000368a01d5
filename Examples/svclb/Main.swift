// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import Foundation
import Glibc
import IPVLANDatapath
import LinuxSystem
import NetlinkKit
import ServiceLB

/// Parses, and works, with the exit statuses of sysexits.h.
@main
enum Main {
  static func main() async {
    // A reader that goes away is no reason to die by a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try ServiceCommand.parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      exit(0)
    } catch let code as ExitCode {
      exit(code.rawValue)
    } catch {
      if let failure = Failure(error) {
        complain("svclb: \(failure.message)")
        exit(failure.status.rawValue)
      }
      let status = ServiceCommand.exitCode(for: error)
      if status.isSuccess {
        print(ServiceCommand.fullMessage(for: error))
        exit(0)
      }
      complain(status == .validationFailure ? ServiceCommand.fullMessage(for: error) : "svclb: \(error)")
      exit(status == .validationFailure ? ExitStatus.usage.rawValue : 1)
    }
  }

  private static func complain(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8))
  }
}

/// What the process ends with; 0 is success, 1 any other failure.
enum ExitStatus: Int32 {
  /// Wrong arguments (`EX_USAGE`).
  case usage = 64
  /// A manifest or a list cannot be used, or services contradict each other (`EX_DATAERR`).
  case data = 65
  /// A file cannot be read (`EX_NOINPUT`).
  case noInput = 66
  /// What is asked for is not there: no pinned load balancer, no such service, a map that is full (`EX_UNAVAILABLE`).
  case unavailable = 69
  /// The kernel refused (`EX_OSERR`).
  case system = 71
  /// A privilege is missing (`EX_NOPERM`).
  case permission = 77
}

/// An end with a sentence and a status of its own.
struct Failure: Error {
  var status: ExitStatus
  var message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  /// The failures of the modules; nil for others.
  init?(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as ServiceError:
      switch error.code {
      case .invalidLimits: self.init(.usage, "\(error)")
      case .conflictingFrontend, .invalidTable: self.init(.data, "\(error)")
      case .tableFull:
        self.init(
          .unavailable, "\(error); maps are made for twice what apply is given first: svclb detach, and apply again")
      default:
        self.init(error.underlying.map(Self.status) ?? .system, Self.words(error.underlying, "\(error)"))
      }
    case let error as DatapathError:
      let cause = error.underlying.flatMap { Failure($0) }
      self.init(cause?.status ?? (error.code == .linkNotFound ? .unavailable : .system), "\(error)")
    case let error as BPFError: self.init(Self.status(error), Self.words(error, "\(error)"))
    case let error as SystemError:
      self.init(
        error.code == .permissionDenied ? .permission : error.code == .notFound ? .unavailable : .system, "\(error)")
    case let error as NetlinkError:
      self.init(error.code == .permissionDenied ? .permission : .system, "\(error)")
    default: return nil
    }
  }

  private static func status(_ error: BPFError) -> ExitStatus {
    switch error.code {
    case .permissionDenied: .permission
    case .notFound, .notSupported: .unavailable
    default: .system
    }
  }

  private static func words(_ error: BPFError?, _ text: String) -> String {
    switch error?.code {
    case .permissionDenied?: "\(text); run it as root"
    case .foreignPin?: "\(text); svclb detach --keep-maps takes it away"
    default: text
    }
  }
}
