// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ServiceLB

/// Prints endpoints.
struct BackendsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backends", abstract: "Prints endpoints: of all services, or of the one at an address.",
    discussion: """
      STATE: active takes new connections; terminating keeps what it has; gone takes nothing, and is remembered while \
      connections may be there. SHARE is its part of new connections. LOAD is how many connections of this node it has, as \
      counted for services with the algorithm least-load.

      Example:
        svclb backends --of 10.96.0.10:53/UDP
      """)

  @OptionGroup var pin: PinOption
  @OptionGroup var output: OutputOption

  @Option(help: "Only of the service at this address, such as 10.96.0.10:53/UDP.")
  var of: FrontendArgument?

  func run() async throws {
    let services = try PinnedBalancer(pin.directory).services()
    let wanted: [PinnedServices.Service]
    if let of {
      guard let service = services.service(at: of.key) else {
        throw Failure(.unavailable, "--of \(of.key): no service is served there; svclb list prints those that are")
      }
      wanted = [service]
    } else {
      wanted = services.services
    }
    try output.form.show(wanted.flatMap(BackendRow.rows), none: "there are no endpoints")
  }
}

/// One endpoint of a service.
struct BackendRow: Row {
  static let titles = ["BACKEND", "STATE", "SERVICE", "FRONTEND", "SHARE", "LOCAL", "LOAD", "INDEX", "EPOCH"]

  var backend: String
  var state: String
  var service: UInt32
  /// What the service is called, or its number.
  var name: String
  var frontend: String
  /// Of new connections in the cluster scope, 0 to 1.
  var share: Double
  var isLocal: Bool
  var load: UInt32
  var index: UInt32
  var epoch: UInt32

  static func rows(_ service: PinnedServices.Service) -> [BackendRow] {
    var slots: [UInt32: Int] = [:]
    for index in service.cluster { slots[index, default: 0] += 1 }
    let local = Set(service.local)
    return service.backends.map { index, record in
      BackendRow(
        backend: "\(record.key)", state: "\(record.state)", service: service.index,
        name: service.label,
        frontend: service.frontends.first.map { "\($0.key)" } ?? "-",
        share: service.cluster.isEmpty
          ? 0 : (Double(slots[index] ?? 0) / Double(service.cluster.count) * 10_000).rounded() / 10_000,
        isLocal: local.contains(index), load: record.load, index: index, epoch: record.epoch)
    }
  }

  var cells: [String] {
    [
      backend, state, name, frontend, percent(share), isLocal ? "yes" : "-", "\(load)", "\(index)", "\(epoch)",
    ]
  }
}

/// `33.3 %`.
func percent(_ share: Double) -> String {
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10) %"
}
