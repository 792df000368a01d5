// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NetworkTypes
import ServiceLB

/// Serves one more service port.
struct AddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Serves one service port, beside what is served already.",
    discussion: """
      Examples:
        svclb add --frontend 10.96.0.10:80 --backend 10.0.1.5:8080 --backend 10.0.1.6:8080
        svclb add --frontend 10.96.0.10:80 --backend 10.0.1.7:8080 --replace --algorithm maglev
      """)

  @OptionGroup var pin: PinOption

  @Option(help: "What it answers at, such as 10.96.0.10:80 or 10.96.0.10:53/UDP; again for more addresses.")
  var frontend: [FrontendArgument]

  @Option(help: "An endpoint, such as 10.0.1.5:8080; again for more. Without any, connections are refused.")
  var backend: [EndArgument] = []

  @Option(help: "How a connection finds its endpoint: random, maglev, maglev:65521, least-load.")
  var algorithm = AlgorithmArgument(.random)

  @Option(help: "Session affinity: seconds that a client keeps its endpoint, 1 to 86400.")
  var affinity: UInt32?

  @Flag(help: "Also serve clients outside the cluster.")
  var external = false

  @Flag(help: "Take the place of what is served at these addresses.")
  var replace = false

  func validate() throws {
    guard let first = frontend.first else { throw ValidationError("--frontend: name at least one address.") }
    guard frontend.allSatisfy({ $0.key.protocol == first.key.protocol }) else {
      throw ValidationError(
        "--frontend: all addresses of a service port have one protocol; add the others by themselves.")
    }
    let family = first.key.address.family
    guard frontend.allSatisfy({ $0.key.address.family == family }), backend.allSatisfy({ $0.address.family == family })
    else { throw ValidationError("Addresses of frontends and endpoints must be of one family.") }
    if first.key.protocol == .sctp, let other = backend.first(where: { $0.port != first.key.port }) {
      throw ValidationError(
        "--backend \(other.address) port \(other.port): SCTP ports cannot be rewritten; it has to be \(first.key.port)."
      )
    }
    if let affinity, !(1...86_400).contains(affinity) {
      throw ValidationError("--affinity \(affinity): write seconds from 1 to 86400.")
    }
  }

  func run() async throws {
    let balancer = try PinnedBalancer(pin.directory, changes: true)
    let services = try balancer.services()
    let keys = Set(frontend.map(\.key))
    let taken = services.table.entries.filter { !keys.isDisjoint(with: $0.frontends.map(\.key)) }
    if let first = taken.first, !replace {
      throw Failure(.data, "\(first.frontends[0].key) is served already; --replace takes its place")
    }
    try await balancer.apply(
      services.table.with(removed: Set(taken.map(\.id)), added: [entry]))
  }

  private var entry: ServiceEntry {
    var entry = ServiceEntry(
      name: ServicePortName(namespace: "pinned", service: frontend.first.map { "\($0.key)" } ?? ""),
      family: frontend.first?.key.address.family ?? .ipv4,
      frontends: frontend.map {
        ServiceFrontend(
          external ? .externalIP : .clusterIP, address: $0.key.address, port: $0.key.port, protocol: $0.key.protocol)
      },
      backends: backend.map { ServiceBackend(address: $0.address, port: $0.port) })
    entry.algorithm = algorithm.algorithm
    entry.affinitySeconds = affinity
    return entry
  }
}

/// Stops serving one service port.
struct RemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Stops serving the service port at an address, at all its addresses.",
    discussion: """
      Connections that exist go on.

      Example:
        svclb remove --frontend 10.96.0.10:80
      """)

  @OptionGroup var pin: PinOption

  @Option(help: "An address of the service port, such as 10.96.0.10:80 or 10.96.0.10:53/UDP.")
  var frontend: FrontendArgument

  func run() async throws {
    let balancer = try PinnedBalancer(pin.directory, changes: true)
    let table = try balancer.services().table
    let served = table.entries.filter { $0.frontends.contains { $0.key == frontend.key } }
    guard !served.isEmpty else {
      throw Failure(
        .unavailable, "--frontend \(frontend.key): no service is served there; svclb list prints those that are")
    }
    try await balancer.apply(table.with(removed: Set(served.map(\.id)), added: []))
  }
}

extension ServiceTable {
  /// Without some entries, and with others.
  fileprivate func with(removed: Set<ServiceEntry.ID>, added: [ServiceEntry]) -> ServiceTable {
    ServiceTable(entries: entries.filter { !removed.contains($0.id) } + added, nodeAddresses: nodeAddresses)
  }
}
