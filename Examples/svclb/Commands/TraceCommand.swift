// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport
import NetworkTypes
import ServiceLB

/// Says where a new connection would go, and why.
struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Says which backend a new connection would get, and why.",
    discussion: """
      Reads the maps and decides as the programs do; no packet is sent. Without --from it is a socket on this node that \
      connects; with --from a client outside the cluster. Where chance decides, all that may be chosen are printed, each \
      with its share.

      Examples:
        svclb trace --to 10.96.0.10:53/UDP
        svclb trace --to 203.0.113.9:443 --from 198.51.100.7 --output json
      """)

  @OptionGroup var pin: PinOption
  @OptionGroup var output: OutputOption

  @Option(help: "What is asked for: VIP:PORT[/PROTOCOL], such as 10.96.0.10:53/UDP or [fd00::10]:80.")
  var to: FrontendArgument

  @Option(help: "A client outside the cluster, by its address.")
  var from: String?

  @Option(help: "The node ports that the programs were loaded with, such as 30000-32767.")
  var nodePorts = PortRange(30_000...32_767)

  func validate() throws {
    if let from {
      guard let address = IPAddress(from) else { throw ValidationError("--from \(from): write an IP address.") }
      guard address.family == to.key.address.family else {
        throw ValidationError("--from \(from): is not of the family of \(to.key).")
      }
    }
  }

  func run() async throws {
    let services = try PinnedBalancer(pin.directory).services()
    let client = from.flatMap { IPAddress($0) }.map { FlowTrace.Client.outside($0) } ?? .socket
    let trace = FlowTrace(services, to: to.key, from: client, nodePorts: nodePorts.ports)
    guard output.form == .table else { return try write(output.form.json(trace)) }
    try write("\(trace.to): \(trace.verdict.rawValue)")
    for step in trace.steps { try write("  \(step)") }
    guard !trace.backends.isEmpty else { return }
    var table = TextTable(["BACKEND", "STATE", "SHARE"])
    for backend in trace.backends { table.append([backend.backend, backend.state, percent(backend.share)]) }
    try write("\n\(table)")
  }
}

/// Ports from one to another: `30000-32767`.
struct PortRange: ExpressibleByArgument, Sendable {
  var ports: ClosedRange<UInt16>

  init(_ ports: ClosedRange<UInt16>) { self.ports = ports }

  init?(argument: String) {
    let parts = argument.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let first = UInt16(parts[0]), let last = UInt16(parts[1]), first > 0, first <= last else {
      return nil
    }
    ports = first...last
  }

  var defaultValueDescription: String { "\(ports.lowerBound)-\(ports.upperBound)" }
}
