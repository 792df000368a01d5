// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LinuxSystem
import NetlinkKit
import NetworkTypes
import ServiceLB
import SystemPackage

/// Prints sockets that are connected to endpoints.
struct ConnectionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connections", abstract: "Prints the sockets that are connected to endpoints of services.",
    discussion: """
      Sockets of one network namespace, or of those that are named. A socket that was connected to an endpoint's own \
      address, not by a service, is printed too: the kernel keeps no difference between the two.

      Examples:
        svclb connections
        svclb connections --namespace web --namespace /proc/1234/ns/net --to 10.96.0.10:80
      """)

  @OptionGroup var pin: PinOption
  @OptionGroup var output: OutputOption

  @Option(help: "A network namespace by name or path; again for more. This command's own if none is named.")
  var namespace: [String] = []

  @Option(help: "Only of the service at this address.")
  var to: FrontendArgument?

  func run() async throws {
    let services = try PinnedBalancer(pin.directory).services()
    var wanted = services.services
    if let to {
      guard let service = services.service(at: to.key) else {
        throw Failure(.unavailable, "--to \(to.key): no service is served there; svclb list prints those that are")
      }
      wanted = [service]
    }
    let endpoints = Endpoints(wanted)
    var rows: [ConnectionRow] = []
    for name in namespace.isEmpty ? [nil] : namespace.map(Optional.some) {
      let space = try Self.open(name)
      let diagnostics = try await SocketDiagnostics(in: space)
      for transport in [SocketProtocol.tcp, .udp] {
        for socket in try await diagnostics.sockets(SocketMatch(transport, states: .connected)) {
          if let row = endpoints.row(socket, isUDP: transport == .udp, namespace: name) { rows.append(row) }
        }
      }
    }
    rows.sort { ($0.frontend, $0.backend, $0.source) < ($1.frontend, $1.backend, $1.source) }
    try output.form.show(rows, none: "no socket is connected to an endpoint")
  }

  private static func open(_ name: String?) throws -> NetworkNamespace {
    guard let name else { return try .current() }
    return name.contains("/") ? try .open(path: FilePath(name)) : try .open(named: name)
  }

  /// Which services an endpoint belongs to.
  struct Endpoints {
    private struct Key: Hashable {
      var backend: ServiceBackend.Key
      var `protocol`: IPProtocol
    }

    private struct Owner {
      var service: UInt32
      var frontend: String
      var state: String
    }

    private var owners: [Key: [Owner]] = [:]

    init(_ services: [PinnedServices.Service]) {
      for service in services {
        let frontend = service.frontends.first.map { "\($0.key)" } ?? "-"
        for (_, record) in service.backends {
          owners[Key(backend: record.key, protocol: record.protocol), default: []].append(
            Owner(service: service.index, frontend: frontend, state: "\(record.state)"))
        }
      }
    }

    /// A socket that is connected to an endpoint; nil for others.
    func row(_ socket: InternetSocket, isUDP: Bool, namespace: String?) -> ConnectionRow? {
      guard let port = Port(rawValue: socket.destination.port),
        let owners = owners[
          Key(
            backend: ServiceBackend.Key(address: socket.destination.address.unmapped, port: port),
            protocol: isUDP ? .udp : .tcp)], let first = owners.first
      else { return nil }
      return ConnectionRow(
        protocol: isUDP ? "UDP" : "TCP", source: "\(socket.source)", backend: "\(socket.destination)",
        state: "\(socket.state)", backendState: first.state,
        frontend: owners.map(\.frontend).joined(separator: " or "), services: owners.map(\.service),
        namespace: namespace)
    }
  }
}

/// A socket that is connected to an endpoint.
struct ConnectionRow: Row {
  static let titles = ["PROTOCOL", "SOURCE", "BACKEND", "STATE", "ENDPOINT IS", "FRONTEND", "NAMESPACE"]

  var `protocol`: String
  var source: String
  var backend: String
  var state: String
  var backendState: String
  var frontend: String
  var services: [UInt32]
  var namespace: String?

  var cells: [String] { [`protocol`, source, backend, state, backendState, frontend, namespace ?? "-"] }
}

extension IPAddress {
  /// `::ffff:10.0.0.1` as the IPv4 address that it means.
  fileprivate var unmapped: IPAddress {
    guard case .v6 = self, bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] else { return self }
    return IPAddress(bytes: bytes.suffix(4)) ?? self
  }
}
