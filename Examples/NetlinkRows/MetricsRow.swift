// SPDX-License-Identifier: Apache-2.0

internal import NetlinkKit

/// The metrics of a route, as `ip -j route` names them.
struct MetricsRow: Encodable {
  private enum Value: Encodable {
    case number(UInt32), word(String), nothing

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .word(let word): try container.encode(word)
      case .nothing: try container.encodeNil()
      }
    }
  }

  private let values: [(name: String, value: Value)]

  init(_ metrics: RouteMetrics) {
    let numbers: [(String, UInt32?)] = [
      ("mtu", metrics.mtu), ("window", metrics.window), ("rtt", metrics.roundTripTime.map { $0 / 8 }),
      ("rttvar", metrics.roundTripTimeVariance.map { $0 / 4 }), ("ssthresh", metrics.slowStartThreshold),
      ("cwnd", metrics.congestionWindowLimit), ("advmss", metrics.advertisedSegmentSize),
      ("reordering", metrics.reordering), ("hoplimit", metrics.hopLimit), ("initcwnd", metrics.initialCongestionWindow),
      ("rto_min", metrics.minimumRetransmissionTimeout), ("initrwnd", metrics.initialReceiveWindow),
      ("quickack", metrics.quickAcknowledgement), ("fastopen_no_cookie", metrics.fastOpenWithoutCookie),
    ]
    var values = numbers.compactMap { name, number in number.map { (name, Value.number($0)) } }
    if metrics.features?.contains(.ecn) == true { values.append(("ecn", .nothing)) }
    if let name = metrics.congestionControl { values.append(("congestion", .word(name))) }
    self.values = values
  }

  /// The metrics in one line.
  var text: String {
    values.map { name, value in
      switch value {
      case .number(let number): "\(name) \(number)"
      case .word(let word): "\(name) \(word)"
      case .nothing: name
      }
    }.joined(separator: " ")
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Dictionary(uniqueKeysWithValues: values.map { ($0.name, $0.value) }))
  }
}
