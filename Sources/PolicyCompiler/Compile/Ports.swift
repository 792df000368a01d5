// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The destination ports of a rule.
struct PortSpec: Hashable, Sendable {
  /// Every protocol, also those without ports.
  var isAll = false
  /// Sorted, disjoint, and none next to another.
  var spans: [Span] = []
  /// Names that the destination gives meaning to, sorted.
  var names: [Name] = []

  /// Ports of one protocol, by `TransportProtocol.position`.
  struct Span: Hashable, Sendable {
    var transport: UInt8
    var first: UInt16
    var last: UInt16
  }

  struct Name: Hashable, Sendable {
    /// The element of the name.
    var element: UInt32
    /// The protocol it is limited to, ``anyTransport`` for none.
    var transport: UInt8
  }

  static let anyTransport: UInt8 = 3
  static let all = PortSpec(isAll: true)
  var isEmpty: Bool { !isAll && spans.isEmpty && names.isEmpty }

  /// Brings it into the one form that equal specifications share.
  mutating func normalise() {
    if isAll {
      spans = []
      names = []
      return
    }
    spans = merged(spans)
    names.sort { ($0.element, $0.transport) < ($1.element, $1.transport) }
    var kept: [Name] = []
    for name in names where name != kept.last { kept.append(name) }
    names = kept
  }

  /// Whether everything that this matches is matched by the other as well.
  func isCovered(by other: PortSpec) -> Bool {
    if other.isAll { return true }
    if isAll { return false }
    // Both lists of names are sorted.
    var rest = other.names[...]
    for name in names {
      guard let position = rest.firstIndex(of: name) else { return false }
      rest = rest[(position + 1)...]
    }
    return spans.allSatisfy { span in
      other.span(at: span.first, of: span.transport).map { $0.last >= span.last } ?? false
    }
  }

  /// The span that a port is in.
  func span(at port: UInt16, of transport: UInt8) -> Span? {
    var (low, high) = (0, spans.count)
    while low < high {
      let middle = (low + high) / 2
      let span = spans[middle]
      if (transport, port) < (span.transport, span.first) {
        high = middle
      } else if (transport, port) > (span.transport, span.last) {
        low = middle + 1
      } else {
        return span
      }
    }
    return nil
  }

  /// Adds ports; ``normalise()`` comes after the last.
  mutating func add(_ other: PortSpec) {
    isAll = isAll || other.isAll
    spans += other.spans
    names += other.names
  }
}

/// Sorted spans without overlaps and without neighbours.
func merged(_ spans: [PortSpec.Span]) -> [PortSpec.Span] {
  if spans.count < 2 { return spans }
  var merged: [PortSpec.Span] = []
  for span in spans.sorted(by: { ($0.transport, $0.first) < ($1.transport, $1.first) }) {
    if let last = merged.last, last.transport == span.transport, Int(span.first) <= Int(last.last) + 1 {
      merged[merged.count - 1].last = max(last.last, span.last)
    } else {
      merged.append(span)
    }
  }
  return merged
}

/// A port that a pod has a name for.
struct NamedPort: Hashable, Sendable, Comparable {
  var name: String
  var transport: UInt8
  var port: UInt16

  static func < (left: Self, right: Self) -> Bool {
    (left.name, left.transport, left.port) < (right.name, right.transport, right.port)
  }

  /// The named ports of a pod, sorted.
  static func list(of ports: [Pod.ContainerPort]) -> [NamedPort] {
    var list: [NamedPort] = []
    for port in ports {
      guard let name = port.name, !name.isEmpty, let number = UInt16(exactly: port.containerPort) else { continue }
      list.append(NamedPort(name: name, transport: port.protocol.position, port: number))
    }
    if list.count < 2 { return list }
    list.sort()
    return list.indices.filter { $0 == 0 || list[$0] != list[$0 - 1] }.map { list[$0] }
  }
}

extension TransportProtocol {
  /// The position in a port table.
  var position: UInt8 {
    switch self {
    case .tcp: 0
    case .udp: 1
    case .sctp: 2
    }
  }
}

extension PortSpec {
  /// A range; one of all ports means every port, as in Kubernetes' own description of it.
  static func span(_ transport: TransportProtocol, _ first: UInt16, _ last: UInt16) -> Span {
    Span(transport: transport.position, first: first == 1 && last == UInt16.max ? 0 : first, last: last)
  }
}
