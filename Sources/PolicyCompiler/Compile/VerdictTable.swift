// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// Turns a list of rules that all speak of one peer into disjoint verdicts over protocols and ports.
struct VerdictTable {
  /// A verdict's place: protocol and ports.
  struct Row: Hashable {
    var transport: TransportProtocol?
    var ports: PortBlock?
    /// Numbers of the rules that allow this, sorted.
    var rules: [Int]
  }

  /// - Parameters:
  ///   - numbers: numbers of rules, sorted.
  ///   - rules: all rules.
  ///   - names: what names of ports mean at the destination.
  /// - Returns: rows of which at most one fits best for any protocol and port.
  static func rows(
    of numbers: [Int], in rules: [PolicyRules.Rule], names: (TransportProtocol, String) -> [UInt16]
  ) -> [Row] {
    var everything: [Int] = []
    var wide: [TransportProtocol: [Int]] = [:]
    var ranges: [TransportProtocol: [(range: ClosedRange<UInt16>, rule: Int)]] = [:]
    for number in numbers {
      for port in rules[number].ports {
        switch port {
        case .everything: everything.append(number)
        case .range(let transport, nil): wide[transport, default: []].append(number)
        case .range(let transport, let range?): ranges[transport, default: []].append((range, number))
        case .named(let transport, let name):
          for port in names(transport, name) { ranges[transport, default: []].append((port...port, number)) }
        }
      }
    }
    var rows: [Row] = []
    if !everything.isEmpty { rows.append(Row(rules: everything)) }
    for transport in TransportProtocol.allCases {
      let general = Set(everything).union(wide[transport] ?? []).sorted()
      if general != everything { rows.append(Row(transport: transport, rules: general)) }
      for interval in sweep(ranges[transport] ?? [], with: general) where interval.rules != general {
        rows += PortBlock.covering(interval.range).map {
          Row(transport: transport, ports: $0, rules: interval.rules)
        }
      }
    }
    return rows
  }

  /// Cuts overlapping ranges where their rules change.
  private static func sweep(
    _ ranges: [(range: ClosedRange<UInt16>, rule: Int)], with general: [Int]
  ) -> [(range: ClosedRange<UInt16>, rules: [Int])] {
    var changes: [Int: [(rule: Int, delta: Int)]] = [:]
    for (range, rule) in ranges {
      changes[Int(range.lowerBound), default: []].append((rule, 1))
      changes[Int(range.upperBound) + 1, default: []].append((rule, -1))
    }
    var counts: [Int: Int] = [:]
    var intervals: [(range: ClosedRange<UInt16>, rules: [Int])] = []
    var start = 0
    for position in changes.keys.sorted() {
      if position > start, !counts.isEmpty {
        let rules = Set(counts.keys).union(general).sorted()
        let range = UInt16(start)...UInt16(position - 1)
        if let last = intervals.last, last.rules == rules, Int(last.range.upperBound) + 1 == start {
          intervals[intervals.count - 1].range = last.range.lowerBound...range.upperBound
        } else {
          intervals.append((range, rules))
        }
      }
      for change in changes[position] ?? [] {
        let count = (counts[change.rule] ?? 0) + change.delta
        counts[change.rule] = count == 0 ? nil : count
      }
      start = position
    }
    return intervals
  }
}
