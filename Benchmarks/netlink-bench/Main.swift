// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BenchSupport
import ExampleSupport
import LinuxSystem
import NetlinkKit

/// Parses, and measures; 1 is the status of a failure, 2 of wrong usage.
@main
enum Main {
  static func main() async { await NetlinkBenchCommand.runAndExit() }
}

/// The operations of NetlinkKit, one JSON line each.
struct NetlinkBenchCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "netlink-bench",
    abstract: "Measures NetlinkKit in a network namespace of its own.",
    discussion: """
      Prints one JSON line per operation: value is the median over short chunks, cpu the processor time and mean the time \
      by the clock per object over the whole loop, all in microseconds; allocs counts blocks taken from the heap per \
      object. netlink-bench-c prints the same lines for C on libmnl; `make bench` compares the two.

      Needs CAP_SYS_ADMIN and CAP_NET_ADMIN. Exit status: 0, 1 for a failure, 2 for wrong usage.
      """)

  @Option(help: "Factor on the number of objects, above 0 and at most 10.")
  var scale = 1.0

  @Option(help: "Only these operations.")
  var group: Group?

  /// Operations that prepare one another.
  enum Group: String, ExpressibleByArgument, CaseIterable { case route, neigh, link, stream }

  func validate() throws {
    guard scale > 0, scale <= 10 else { throw ValidationError("--scale must be above 0 and at most 10.") }
  }

  func run() async throws {
    let namespace = try await NetworkNamespace.makeAnonymous()
    let operations = try await Operations(in: namespace, scale: scale)
    for group in Group.allCases where self.group == nil || self.group == group { try await operations.run(group) }
    Measurement.reportPeakMemory()
  }
}
