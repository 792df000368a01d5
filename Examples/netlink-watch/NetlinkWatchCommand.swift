// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport
import Foundation
import LinuxSystem
import NetlinkKit
import NetlinkRows

/// Prints what is in a network namespace, and what happens to it.
struct NetlinkWatchCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "netlink-watch",
    abstract: "Watches links, addresses, routes, rules and neighbours of a network namespace.",
    discussion: """
      One line per event. First everything that is there (listed), then "synchronised", then each change as it happens \
      (updated, removed). "resynchronise" says that the kernel had to drop events: everything is listed again after it.

      Ends on SIGINT or SIGTERM. Exit status: 0 when asked to end or after --count events, 1 for a failure, 2 for wrong \
      usage.
      """)

  enum Object: String, ExpressibleByArgument, CaseIterable {
    case links, addresses, routes, rules, neighbours

    var subjects: NetlinkEvent.Subjects {
      switch self {
      case .links: .links
      case .addresses: .addresses
      case .routes: .routes
      case .rules: .rules
      case .neighbours: .neighbours
      }
    }
  }

  enum OutputForm: String, ExpressibleByArgument, CaseIterable { case text, json }

  @Argument(help: "What to watch; everything when nothing is named.")
  var objects: [Object] = []

  @Option(help: "A network namespace, by its name for `ip netns` or by a path such as /proc/PID/ns/net.")
  var namespace: String?

  @Option(help: "End after so many events.")
  var count: Int?

  @Option(help: "Form of the output.")
  var output = OutputForm.text

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count \(count): write a number from 1.") }
  }

  func run() async throws {
    let namespace = try NetworkNamespace.open(nameOrPath: namespace)
    let subjects = (objects.isEmpty ? Object.allCases : objects).reduce(into: NetlinkEvent.Subjects()) {
      $0.formUnion($1.subjects)
    }
    // Links are watched in any case, because the others refer to them by number.
    let monitor = NetlinkMonitor(in: namespace, of: subjects.union(.links))
    let task = Task {
      var printer = EventPrinter(output: output, printsLinks: subjects.contains(.links))
      for try await event in monitor {
        try printer.print(event)
        if let count, printer.printed >= count { return }
      }
    }
    try await endingOnInterrupt(task)
  }

  /// Waits for the task; a request to end is no failure here.
  private func endingOnInterrupt(_ task: Task<Void, any Error>) async throws {
    do {
      try await cancellingOnInterrupt {
        try await withTaskCancellationHandler {
          try await task.value
        } onCancel: {
          task.cancel()
        }
      }
    } catch {
      guard task.isCancelled else { throw error }
    }
  }
}
