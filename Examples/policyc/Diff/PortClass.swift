// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes

/// Ports that no rule tells apart.
struct PortClass: Hashable {
  /// nil: protocols without ports.
  var transport: TransportProtocol?
  var first: UInt16
  var last: UInt16

  var `protocol`: IPProtocol { transport?.ipProtocol ?? .icmp }

  /// The ports of each protocol cut wherever a rule's range begins or ends; and protocols without ports.
  static func all(_ ranges: [TransportProtocol: Set<ClosedRange<UInt16>>]) -> [PortClass] {
    var classes: [PortClass] = []
    for transport in TransportProtocol.allCases {
      var starts: Set<UInt16> = [1]
      for range in ranges[transport] ?? [] {
        starts.insert(max(1, range.lowerBound))
        if range.upperBound < .max { starts.insert(range.upperBound + 1) }
      }
      let sorted = starts.sorted()
      for (index, start) in sorted.enumerated() {
        let last = index + 1 < sorted.count ? sorted[index + 1] - 1 : UInt16.max
        classes.append(PortClass(transport: transport, first: start, last: last))
      }
    }
    return classes + [PortClass(transport: nil, first: 0, last: 0)]
  }

  /// Classes as text, neighbours joined: `TCP/80, TCP/8000-8010, UDP`.
  static func text(_ classes: [PortClass], of all: [PortClass]) -> String {
    if classes.count == all.count { return "everything" }
    var joined: [PortClass] = []
    for each in classes {
      if let previous = joined.last, previous.transport == each.transport, previous.last < .max,
        previous.last + 1 == each.first
      {
        joined[joined.count - 1].last = each.last
      } else {
        joined.append(each)
      }
    }
    return joined.map(\.text).joined(separator: ", ")
  }

  var text: String {
    guard let transport else { return "other protocols" }
    if first == 1, last == .max { return transport.rawValue }
    return first == last ? "\(transport.rawValue)/\(first)" : "\(transport.rawValue)/\(first)-\(last)"
  }
}
