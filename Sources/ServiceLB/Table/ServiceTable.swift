// SPDX-License-Identifier: Apache-2.0

/// One port of one service, as the datapath is to serve it.
public struct ServiceEntry: Hashable, Sendable {
  /// The most backends one entry can have: the slot count of a service word has 14 bits.
  public static let maximumBackends = 16_383

  /// Which port of which service.
  public var name: ServicePortName
  /// The addresses it answers at, in order.
  public var frontends: [ServiceFrontend]
  /// The endpoints of this node, in order.
  public var localBackends: [ServiceBackend]
  /// The endpoints of other nodes, in order.
  public var remoteBackends: [ServiceBackend]

  /// Makes an entry; frontends and backends are put in order and duplicates removed.
  ///
  /// A backend named as local and as remote is local.
  public init(
    name: ServicePortName, frontends: [ServiceFrontend], localBackends: [ServiceBackend] = [],
    remoteBackends: [ServiceBackend]
  ) {
    self.name = name
    self.frontends = Set(frontends).sorted()
    self.localBackends = Set(localBackends).sorted()
    self.remoteBackends = Set(remoteBackends).subtracting(localBackends).sorted()
  }

  /// All endpoints: those of this node first.
  public var backends: [ServiceBackend] { localBackends + remoteBackends }
}

extension ServiceEntry: CustomStringConvertible {
  /// Name, frontends and backends, one line each.
  public var description: String {
    var lines = ["\(name)"]
    lines += frontends.map { "  \($0)" }
    lines += localBackends.map { "    -> \($0) local" }
    lines += remoteBackends.map { "    -> \($0)" }
    if backends.isEmpty { lines.append("    -> connection refused (no endpoint)") }
    return lines.joined(separator: "\n")
  }
}

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
  /// The service ports, in order of name.
  public var entries: [ServiceEntry]
  /// What was left out, in order; never silently.
  public var notes: [ServiceNote]

  /// Makes a table; entries and notes are put in order.
  public init(entries: [ServiceEntry] = [], notes: [ServiceNote] = []) {
    self.entries = entries.sorted { $0.name < $1.name }
    self.notes = Set(notes).sorted()
  }
}

extension ServiceTable: CustomStringConvertible {
  /// The entries, then the notes, in a fixed order.
  public var description: String {
    (entries.map(\.description) + notes.map { "note: \($0)" }).joined(separator: "\n")
  }
}
