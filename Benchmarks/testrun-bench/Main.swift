// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport

/// Parses, and measures; 1 is the status of a failure, 2 of wrong usage.
@main
enum Main {
  static func main() async { await TestRunBenchCommand.runAndExit() }
}

/// The time of the datapath's programs per packet, one JSON line for each path through them.
struct TestRunBenchCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "testrun-bench",
    abstract: "Measures the pod programs on packets that nobody sent.",
    discussion: """
      Prints one JSON line per path: value is the median over batches of runs, min and p95 their spread, cpu the processor \
      time and mean the time by the clock per run, kernel the median by the kernel's own clock in whole numbers, all in \
      nanoseconds per packet; allocs counts blocks taken from the heap \
      per run. null is an empty program: what the kernel needs to run any.

      policies.N are paths of an isolated pod with tables as full as N policies make them: established, new (allowed), \
      no_match and deny (dropped), cidr (the peer is known by its address range), judged (a protocol that has no flow). A \
      trailing 6 is IPv6.

      services.N are paths with N services in the tables, at an isolated pod that may reach everything: established (a flow \
      that is none of a service's), miss (a new one), service.new, service (a known flow's request) and to_pod.service (its \
      reply).

      The kernel does not restore a packet between the runs of a batch; a program that rewrote it would be refused. Lines \
      with .single are of one run per call, on a flow that is new each time, by the kernel's clock: compare them with \
      null.single.

      sockets.N are the programs at sockets with N services in the tables: hit (a service's address), miss (another one), \
      again (a socket that was connected before). No kernel can test-run them, so real sockets meet them in a control group \
      of the run's own, and the kernel counts; compare them with sockets.null.

      Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. Exit status: 0, 1 for a failure, 2 for wrong usage.
      """)

  @Option(name: .customLong("repeat"), help: "Runs per batch, 100 to 1,000,000.")
  var runs: Int32 = 10_000

  @Option(help: "Batches per path, 5 to 10,000.")
  var batches = 101

  @Option(help: "Only paths whose name begins with this.")
  var only: String?

  func validate() throws {
    guard (100...1_000_000).contains(runs) else { throw ValidationError("--repeat must be 100 to 1,000,000.") }
    guard (5...10_000).contains(batches) else { throw ValidationError("--batches must be 5 to 10,000.") }
  }

  func run() async throws {
    let timing = Timing(runs: runs, batches: batches)
    func isWanted(_ name: String) -> Bool { only.map(name.hasPrefix) ?? true }
    try DatapathPaths().measure(timing, isWanted)
    for services: UInt32 in [10, 1000, 100_000] where only.map({ "sockets.\(services)".hasPrefix($0) }) ?? true {
      try SocketHooks(services: services).measure(batches: batches)
    }
    for policies in [10, 1000, 100_000]
    where only.map({ $0.hasPrefix("policies.\(policies).") || "policies.\(policies).".hasPrefix($0) }) ?? true {
      try PolicyPaths(policies: policies).measure(timing, isWanted)
    }
    for services: UInt32 in [1, 10_000]
    where only.map({ $0.hasPrefix("services.\(services).") || "services.\(services).".hasPrefix($0) }) ?? true {
      try ServicePaths(services: services).measure(timing, isWanted)
    }
    Line.printPeakMemory()
  }
}
