// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BenchSupport
import ExampleSupport
import Foundation
import ServiceList

/// Parses, and measures; 1 is the status of a failure, 2 of wrong usage.
@main
enum Main {
  static func main() async { await ServiceBenchCommand.runAndExit() }
}

/// Connections to services, by ServiceLB and by what else there is, in the same rounds.
struct ServiceBenchCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "svc-bench",
    abstract: "Measures what a service costs a connection, beside iptables, nftables and IPVS.",
    discussion: """
      A client, a node that forwards and a server, each in a network namespace of its own and all on one processor; one set \
      of them for each mode. All modes get the same services and take turns in every round. One JSON line per operation, \
      MODE.N.first|last.crr|rr|udp, in microseconds: value is the median over rounds of the medians, p99, mean and cpu are \
      medians over rounds, least and most the spread of the rounds' medians. of_direct: how many times as long as no \
      service at all. Lines of terwaykit also have rate_above_X (0.32: 32 % more connections in the same time than X) and \
      time_below_X (each takes so much less).

      direct and direct-conntrack are floors: no service, and a node that tracks connections. iptables and nftables have the \
      rule structures of kube-proxy, and are left out above --limit; nft-flat is one map. A mode whose tools are not there, or \
      that the kernel does not have, is left out, with a word.

      --flows opens flows of other pods first. A node knows what its pods asked for minutes, so a run of seconds flatters \
      what has to look through them: 250,000 is what 830 datagrams a second make in the 300 s that IPVS keeps them, or 2,080 \
      connections a second in the 120 s after their end. A run that takes longer than 300 s from then on fails.

      --programming measures how long it takes to serve all services from nothing, and to serve one new endpoint; and \
      how long planning takes before that, in user space.

      Examples:
        svc-bench --services 1,100,10000 --svg latency.svg
        svc-bench --modes direct,ipvs,terwaykit --services 1000 --flows 250000
        svc-bench --programming --programming-services 10000 --endpoints 10

      Needs root. Nothing leaves the namespaces, and nothing stays. Exit status: 0, 1 for a failure, 2 for wrong usage.
      """)

  @Option(help: "Numbers of services, ascending.")
  var services = Choices([1, 10, 100, 1000, 5000, 10_000, 20_000, 100_000])

  @Option(help: "Endpoints of each service, 1 to 64.")
  var endpoints = 1

  @Option(help: "What is measured, of \(Mode.allCases.map(\.rawValue).joined(separator: ", ")).")
  var modes = Choices(Mode.allCases)

  @Option(help: "Kinds of traffic, of crr, rr, udp.")
  var profiles = Choices(Profile.allCases)

  @Option(help: "Rounds, 1 to 1000.")
  var rounds = 15

  @Option(help: "Operations of a mode in a round, 10 to 1000000.")
  var operations = 1000

  @Option(help: "The most services for modes with a chain for each service.")
  var limit = 20_000

  @Option(help: "Flows that each node knows before, 0 to \(OpenFlows.most).")
  var flows = 0

  @Option(help: "The processor that all of it runs on; the last one if not given.")
  var cpu: Int?

  @Option(help: "Measure these services, a file of INDEX VIP PROTO PORT BACKEND_IP:PORT[,…] with tabs; IPv4 alone.")
  var list: String?

  @Flag(help: "Measure programming instead of traffic.")
  var programming = false

  @Option(help: "How many services --programming programs.")
  var programmingServices = 10_000

  @Flag(help: "A few rounds with few services: whether it works.")
  var quick = false

  @Option(help: "Draw latency over services into this file.")
  var svg: String?

  func validate() throws {
    guard services.values.allSatisfy({ (1...ServiceList.madeServices).contains($0) }),
      services.values == services.values.sorted(), !services.values.isEmpty
    else { throw ValidationError("--services: write numbers from 1 to \(ServiceList.madeServices), ascending.") }
    guard (1...64).contains(endpoints), endpoints * (services.values.last ?? 1) <= ServiceList.madeBackends else {
      throw ValidationError(
        "--endpoints must be 1 to 64, and all of them together at most \(ServiceList.madeBackends).")
    }
    guard (1...1000).contains(rounds) else { throw ValidationError("--rounds must be 1 to 1000.") }
    guard (10...1_000_000).contains(operations) else { throw ValidationError("--operations must be 10 to 1000000.") }
    guard (1...ServiceList.madeServices).contains(programmingServices),
      endpoints * programmingServices <= ServiceList.madeBackends
    else { throw ValidationError("--programming-services must be 1 to \(ServiceList.madeServices).") }
    guard (0...OpenFlows.most).contains(flows) else { throw ValidationError("--flows must be 0 to \(OpenFlows.most).") }
    guard flows == 0 || !programming else { throw ValidationError("--flows is for traffic; leave out --programming.") }
    guard svg == nil || !programming else { throw ValidationError("--svg draws traffic; leave out --programming.") }
    guard list == nil || !programming else { throw ValidationError("--list is for traffic; leave out --programming.") }
  }

  func run() async throws {
    guard geteuid() == 0 else {
      throw ExampleError("network namespaces, rules and BPF programs need root; run it with sudo")
    }
    let processors = ProcessInfo.processInfo.processorCount
    if let cpu, !(0..<processors).contains(cpu) {
      throw ExampleError("--cpu \(cpu): this machine has the processors 0 to \(processors - 1)")
    }
    let command = self
    try await cancellingOnInterrupt {
      let modes = await command.available()
      if command.programming {
        try await command.measureProgramming(modes)
      } else {
        try await command.measureTraffic(modes, on: command.cpu ?? processors - 1)
      }
    }
    Measurement.reportPeakMemory()
  }

  /// The wanted modes whose tools and kernel features are here.
  private func available() async -> [Mode] {
    var found: [Mode] = []
    for mode in Mode.allCases where modes.values.contains(mode) {
      if let missing = mode.tools.first(where: { Tool.path(of: $0) == nil }) {
        Progress.say("without \(mode.rawValue): \(missing) is not installed")
      } else if let reason = await mode.obstacle() {
        Progress.say("without \(mode.rawValue): \(reason)")
      } else {
        found.append(mode)
      }
    }
    return found
  }

  private func measureTraffic(_ modes: [Mode], on processor: Int) async throws {
    let file = try list.map(Self.read)
    let all = quick ? [1, 100] : services.values
    let counts = file.map { file in [file.lines.count] } ?? all
    var figures = Figures()
    for count in counts {
      let list = file ?? ServiceList.made(count, endpoints: endpoints)
      let latency = Latency(
        modes: modes.filter { !$0.isLimited || count <= limit }, profiles: profiles.values,
        rounds: quick ? min(rounds, 3) : rounds, operations: quick ? min(operations, 100) : operations,
        processor: processor, flows: flows == 0 ? nil : OpenFlows(count: flows))
      try await latency.run(list, count: count, into: &figures) { mode, cost in
        guard !mode.isFloor else { return }
        try Self.write(
          #"{"op":"\#(mode.rawValue).\#(count).program","value":\#(Figures.text(cost.milliseconds)),"unit":"ms","n":1,"#
            + #""cpu":\#(Figures.text(cost.cpu)),"program_ms":\#(Figures.text(cost.milliseconds))}"#)
      }
      for profile in profiles.values {
        for place in Place.allCases {
          let operation = Operation(count: count, place: place, profile: profile)
          for mode in latency.modes {
            if let line = figures.line(mode, operation, operations: latency.operations, flows: flows) {
              try Self.write(line)
            }
          }
        }
      }
      Progress.say(spread(figures, count, latency.modes))
    }
    if let svg {
      try Chart(figures, counts: counts, modes: modes, profiles: profiles.values).write(to: svg)
    }
  }

  /// A table of medians and how far the rounds were apart.
  private func spread(_ figures: Figures, _ count: Int, _ modes: [Mode]) -> String {
    var table = TextTable(
      ["MODE"] + profiles.values.flatMap { profile in Place.allCases.map { "\(profile.rawValue) \($0.rawValue)" } })
    for mode in modes {
      table.append(
        [mode.rawValue]
          + profiles.values.flatMap { profile in
            Place.allCases.map { place in
              let rounds = figures.rounds[mode]?[Operation(count: count, place: place, profile: profile)] ?? []
              let medians = rounds.map(\.median)
              return String(
                format: "%.1f (%.1f-%.1f)", Figures.median(medians), medians.min() ?? 0, medians.max() ?? 0)
            }
          })
    }
    return "\(count) services, medians in us (least and most of \(quick ? min(rounds, 3) : rounds) rounds)\n\(table)"
  }

  private func measureProgramming(_ modes: [Mode]) async throws {
    let programming = Programming(
      services: quick ? min(programmingServices, 100) : programmingServices, endpoints: endpoints,
      rounds: quick ? 1 : min(rounds, 5), changes: quick ? 2 : 10)
    Progress.say("planning \(programming.services) services of \(endpoints) endpoints")
    let planning = Planning(
      services: programming.services, endpoints: endpoints, rounds: programming.rounds, events: quick ? 10 : 1000)
    for line in try planning.run() { try Self.write(line) }
    for mode in modes where !mode.isFloor {
      Progress.say("programming \(programming.services) services of \(endpoints) endpoints: \(mode.rawValue)")
      let result = try await programming.run(mode)
      for line in programming.lines(mode, result) { try Self.write(line) }
    }
  }

  private static func read(_ path: String) throws -> ServiceList {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw ExampleError("\(path): cannot be read as text; is that its path, and may you read it?")
    }
    do {
      return try ServiceList(parsing: text)
    } catch {
      throw ExampleError("\(path): \(error)")
    }
  }

  private static func write(_ line: String) throws {
    try FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
  }
}
