// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ServiceLB

/// Prints what is served.
struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Prints the addresses that are served, and how.",
    discussion: """
      Example:
        svclb list --output json
      """)

  @OptionGroup var pin: PinOption
  @OptionGroup var output: OutputOption

  func run() async throws {
    let services = try PinnedBalancer(pin.directory).services()
    try output.form.show(
      services.services.flatMap { service in service.frontends.map { FrontendRow(service, $0.key, $0.word) } },
      none: "nothing is served")
  }
}

/// One address that is served.
struct FrontendRow: Row {
  static let titles = ["FRONTEND", "FOR", "SERVICE", "BACKENDS", "LOCAL", "ALGORITHM", "AFFINITY", "FLAGS"]

  var frontend: String
  /// `cluster`, `all` or `outside`: whose connections are served.
  var clients: String
  var service: UInt32
  /// What it is called, or its number.
  var name: String
  var backends: Int
  /// Backends on this node; nil where nobody asks for them.
  var local: Int?
  var algorithm: String
  var affinitySeconds: UInt32?
  var flags: String

  init(_ service: PinnedServices.Service, _ key: ServiceFrontend.Key, _ word: FrontendWord) {
    frontend = "\(key)"
    clients =
      word.flags.contains(.notInternal) ? "outside" : word.flags.contains(.external) ? "all" : "cluster"
    self.service = service.index
    name = service.label
    backends = Set(service.cluster).count
    local =
      word.flags.isDisjoint(with: [.internalLocal, .externalLocal]) ? nil : Set(service.local).count
    algorithm = service.algorithm.words
    affinitySeconds = service.configuration.affinitySeconds == 0 ? nil : service.configuration.affinitySeconds
    flags = "\(word.flags)"
  }

  var cells: [String] {
    [
      frontend, clients, name, "\(backends)", local.map { "\($0)" } ?? "-", algorithm,
      affinitySeconds.map { "\($0) s" } ?? "-", flags,
    ]
  }
}
