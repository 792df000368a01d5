// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// Reads `probes.json`: groups of connections, each the product of three lists.
struct ProbesFile {
  struct Group {
    var sources: [PolicyEnd] = []
    var destinations: [PolicyEnd] = []
    var ports: [ProbePort] = []

    var count: Int { sources.count * destinations.count * ports.count }
  }

  /// How many connections are answered at most in one run.
  static let limit = 20_000_000

  var groups: [Group] = []

  init(_ bytes: [UInt8], cluster: PolicyInput) throws {
    let families = EndFamilies(cluster)
    var reader = JSONReader(bytes)
    var version: Int?
    var hasGroups = false
    var groups: [Group] = []
    var places: [Int] = []
    try reader.object { reader, name in
      switch name {
      case "formatVersion": version = try reader.integer()
      case "groups":
        hasGroups = true
        try reader.array { reader in
          places.append(reader.place)
          groups.append(try Self.readGroup(&reader))
        }
      default: try reader.skip()
      }
    }
    try reader.end()
    guard version == 1 else { throw InputError("formatVersion must be 1\(version.map { ", not \($0)" } ?? "")") }
    guard hasGroups else { throw InputError("groups is missing") }
    var total = 0
    for (index, group) in groups.enumerated() {
      let (pairs, isLarge) = group.sources.count.multipliedReportingOverflow(by: group.destinations.count)
      let (count, isLarger) = pairs.multipliedReportingOverflow(by: group.ports.count)
      guard !isLarge, !isLarger, count <= Self.limit - total else {
        throw InputError("asks for more than \(Self.limit) connections; split it", path: ".groups[\(index)]")
      }
      total += count
      do {
        try families.check(group)
      } catch let error as InputError {
        throw error.inside(".groups[\(index)]", place: reader.line(at: places[index]))
      }
    }
    self.groups = groups
  }

  /// How many connections there are; never more than ``limit``.
  var count: Int { groups.reduce(0) { $0 + $1.count } }

  /// How many ends the groups name.
  var endCount: Int { groups.reduce(0) { $0 + $1.sources.count + $1.destinations.count } }

  private static func readGroup(_ reader: inout JSONReader) throws -> Group {
    var sources: [PolicyEnd]?
    var destinations: [PolicyEnd]?
    var ports: [ProbePort]?
    try reader.object { reader, name in
      switch name {
      case "from": sources = try readEnds(&reader)
      case "to": destinations = try readEnds(&reader)
      case "ports":
        var list: [ProbePort] = []
        try reader.array { reader in
          let text = try reader.string()
          guard let port = ProbePort(text) else {
            throw InputError("\"\(text.prefix(80))\" is not TCP, UDP or SCTP, a slash, and a number from 1 to 65535")
          }
          list.append(port)
        }
        ports = list
      default: try reader.skip()
      }
    }
    guard let sources, let destinations, let ports else {
      throw InputError("from, to or ports is missing")
    }
    return Group(sources: sources, destinations: destinations, ports: ports)
  }

  private static func readEnds(_ reader: inout JSONReader) throws -> [PolicyEnd] {
    var ends: [PolicyEnd] = []
    try reader.array { reader in
      let text = try reader.string()
      guard let end = PolicyEnd(text: text) else {
        throw InputError("\"\(text.prefix(80))\" is neither namespace/name nor an IP address")
      }
      ends.append(end)
    }
    return ends
  }

  /// Calls `body` with one batch of probes after the other, in order.
  func forEachBatch(of size: Int = 1 << 16, _ body: ([PolicyProbe]) throws -> Void) throws {
    var batch: [PolicyProbe] = []
    batch.reserveCapacity(size)
    for group in groups {
      for source in group.sources {
        for destination in group.destinations {
          for port in group.ports {
            batch.append(PolicyProbe(from: source, to: destination, protocol: port.protocol, port: port.number))
            if batch.count == size {
              try body(batch)
              batch.removeAll(keepingCapacity: true)
            }
          }
        }
      }
    }
    if !batch.isEmpty { try body(batch) }
  }
}

/// Protocol and destination port, as in `TCP/80`.
struct ProbePort: Hashable, Comparable {
  var `protocol`: IPProtocol
  var number: UInt16

  init(_ protocol: IPProtocol, _ number: UInt16) {
    self.protocol = `protocol`
    self.number = number
  }

  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let transport = TransportProtocol(rawValue: String(parts[0])),
      parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let number = UInt16(parts[1]), number > 0
    else { return nil }
    self.init(transport.ipProtocol, number)
  }

  static func < (left: ProbePort, right: ProbePort) -> Bool {
    (left.protocol, left.number) < (right.protocol, right.number)
  }
}

extension PolicyEnd {
  /// `namespace/name`, or an address.
  init?(text: String) {
    guard let slash = text.firstIndex(of: "/") else {
      guard let address = IPAddress(text) else { return nil }
      self = .address(address)
      return
    }
    self = .pod(NamespacedName(namespace: String(text[..<slash]), name: String(text[text.index(after: slash)...])))
  }

  /// The same as text.
  var text: String {
    switch self {
    case .pod(let key): "\(key.namespace)/\(key.name)"
    case .address(let address): address.description
    }
  }
}

/// Checks that ends are there, and that the two of a connection have an address family in common.
private struct EndFamilies {
  /// One bit for each family.
  private var pods: [NamespacedName: UInt8] = [:]

  init(_ cluster: PolicyInput) {
    pods.reserveCapacity(cluster.pods.count)
    for pod in cluster.pods { pods[pod.key] = pod.addresses.reduce(0) { $0 | Self.bit($1) } }
  }

  private static func bit(_ address: IPAddress) -> UInt8 { address.family == .ipv4 ? 1 : 2 }

  private func families(_ end: PolicyEnd) throws -> UInt8 {
    switch end {
    case .address(let address): return Self.bit(address)
    case .pod(let key):
      guard let bits = pods[key] else { throw InputError("there is no pod \(end.text.prefix(200)) in the cluster") }
      return bits
    }
  }

  func check(_ group: ProbesFile.Group) throws {
    var sources: [UInt8: PolicyEnd] = [:]
    var destinations: [UInt8: PolicyEnd] = [:]
    for end in group.sources { sources[try families(end)] = end }
    for end in group.destinations { destinations[try families(end)] = end }
    if group.ports.isEmpty { return }
    for (bits, source) in sources {
      for (others, destination) in destinations where bits & others == 0 {
        throw InputError("\(source.text) and \(destination.text) have no address family in common")
      }
    }
  }
}
