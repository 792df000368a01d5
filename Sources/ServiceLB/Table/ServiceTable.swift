// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The name of one port of one service.
public struct ServicePortName: Hashable, Sendable {
  /// The service's namespace.
  public var namespace: String
  /// The service's name.
  public var service: String
  /// The port's name; empty for the only port of a service, which needs none.
  public var port: String

  /// Makes a name from its three parts.
  public init(namespace: String, service: String, port: String = "") {
    self.namespace = namespace
    self.service = service
    self.port = port
  }
}

extension ServicePortName: Comparable, CustomStringConvertible {
  /// Orders by namespace, then service, then port.
  public static func < (left: Self, right: Self) -> Bool {
    (left.namespace, left.service, left.port) < (right.namespace, right.service, right.port)
  }

  /// `default/web:http`, or `default/web` for a port without a name.
  public var description: String { port.isEmpty ? "\(namespace)/\(service)" : "\(namespace)/\(service):\(port)" }
}

/// Something that the plan leaves out or serves differently from what the objects ask for.
public struct ServiceNote: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The object, for example `Service default/web`.
  public var subject: String
  /// What is different and what happens instead, one sentence.
  public var message: String

  /// Makes a note about an object.
  public init(subject: String, message: String) {
    self.subject = subject
    self.message = message
  }

  /// Orders by subject, then message.
  public static func < (left: Self, right: Self) -> Bool {
    (left.subject, left.message) < (right.subject, right.message)
  }

  /// `Service default/web: …`.
  public var description: String { "\(subject): \(message)" }
}

/// What the datapath is to do for every service: the desired state that ``ServiceLoadBalancer`` applies.
///
/// Its text, one line per fact in a fixed order, is meant to be read and compared.
public struct ServiceTable: Hashable, Sendable {
  /// The service ports, in order of name and family; one entry for each pair.
  public var entries: [ServiceEntry]
  /// The addresses of this node at which node ports are served, in order.
  public var nodeAddresses: [IPAddress]
  /// Node ports that answer a load balancer's health checks, in order of name.
  public var healthChecks: [ServiceHealthCheck]
  /// What was left out, in order; never silently.
  public var notes: [ServiceNote]

  /// Makes a table; all its parts are put in order.
  public init(
    entries: [ServiceEntry] = [], nodeAddresses: [IPAddress] = [], healthChecks: [ServiceHealthCheck] = [],
    notes: [ServiceNote] = []
  ) {
    self.entries = entries.sorted { $0.id < $1.id }
    self.nodeAddresses = Set(nodeAddresses).sorted()
    self.healthChecks = healthChecks.sorted { $0.name < $1.name }
    self.notes = Set(notes).sorted()
  }
}

/// What a load balancer outside is told of a service with `externalTrafficPolicy: Local` (`healthCheckNodePort`).
public struct ServiceHealthCheck: Hashable, Sendable {
  /// The service.
  public var name: ServicePortName
  /// The TCP port, at this node's addresses.
  public var port: Port
  /// How many endpoints on this node serve; 0: the check fails.
  public var localEndpoints: Int

  /// Makes a health check; the name's port is empty.
  public init(name: ServicePortName, port: Port, localEndpoints: Int) {
    self.name = name
    self.port = port
    self.localEndpoints = localEndpoints
  }
}

extension ServiceTable: CustomStringConvertible {
  /// The entries, node addresses, health checks, then the notes, in a fixed order.
  public var description: String {
    var lines = entries.map(\.description)
    if !nodeAddresses.isEmpty {
      lines.append("node addresses \(nodeAddresses.map(\.description).joined(separator: ", "))")
    }
    lines += healthChecks.map { "health check \($0.name) at port \($0.port): \($0.localEndpoints) local endpoints" }
    lines += notes.map { "note: \($0)" }
    return lines.joined(separator: "\n")
  }
}
