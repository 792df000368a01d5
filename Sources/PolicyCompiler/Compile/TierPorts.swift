// SPDX-License-Identifier: Apache-2.0

/// The rules of one stage that match one peer, and what they come to for each port.
struct TierPorts {
  private let rest: PolicyVerdict
  /// In order; no two neighbours have one verdict.
  private var rules: [(verdict: PolicyVerdict, ports: PortSpec)] = []

  init(_ stage: PolicyStage) { rest = stage.rest }

  mutating func add(_ verdict: PolicyVerdict, _ ports: PortSpec) {
    if rules.last?.verdict == verdict {
      rules[rules.count - 1].ports.add(ports)
    } else {
      rules.append((verdict, ports))
    }
  }

  /// What the first rule says where `contains` tells which ports a question is about.
  private func verdict(_ contains: (PortSpec) -> Bool) -> PolicyVerdict {
    for (verdict, ports) in rules where contains(ports) { return verdict }
    return rest
  }

  /// The verdict of each protocol and port.
  mutating func resolved() -> PortTable {
    for index in rules.indices { rules[index].ports.normalise() }
    return PortTable(tcp: ports(0), udp: ports(1), sctp: ports(2), other: verdict(\.isAll))
  }

  private func ports(_ transport: UInt8) -> PortTable.Ports {
    let specs = rules.map(\.ports)
    var starts: [Int] = [0]
    for spec in specs {
      for span in spec.spans where span.transport == transport {
        starts.append(Int(span.first))
        if span.last < UInt16.max { starts.append(Int(span.last) + 1) }
      }
    }
    starts.sort()
    var runs: [PortTable.Range] = []
    var known = -1
    let verdicts = starts.count * specs.count > 1 << 16 ? painted(transport) : nil
    for start in starts where start != known {
      known = start
      let port = UInt16(start)
      let verdict =
        verdicts?[start] ?? verdict { $0.isAll || $0.span(at: port, of: transport) != nil }
      if let last = runs.last {
        runs[runs.count - 1].last = port - 1
        if last.verdict == verdict { continue }
      }
      runs.append(PortTable.Range(first: port, last: port, verdict: verdict))
    }
    runs[runs.count - 1].last = UInt16.max
    return Self.fewest(runs)
  }

  /// Leaves out the verdict with the most ranges; of equal ones that with the most ports.
  static func fewest(_ runs: [PortTable.Range]) -> PortTable.Ports {
    var best: (ranges: Int, ports: Int, verdict: PolicyVerdict) = (-1, 0, .noMatch)
    for verdict in PolicyVerdict.allCases {
      let own = runs.filter { $0.verdict == verdict }
      let ports = own.reduce(0) { $0 + Int($1.last) - Int($1.first) + 1 }
      if (own.count, ports) > (best.ranges, best.ports) { best = (own.count, ports, verdict) }
    }
    return PortTable.Ports(ranges: runs.filter { $0.verdict != best.verdict }, rest: best.verdict)
  }

  /// The verdict of every port, at a cost of ports plus spans: for very many rules with very many ports.
  private func painted(_ transport: UInt8) -> [PolicyVerdict] {
    var verdicts = [PolicyVerdict](repeating: rest, count: 65536)
    // The next port that is not painted, at or after each.
    var next = Array(0...65536)
    for (verdict, spec) in rules {
      let spans =
        spec.isAll ? [PortSpec.Span(transport: transport, first: 0, last: UInt16.max)] : spec.spans
      for span in spans where span.transport == transport {
        var port = free(Int(span.first), &next)
        while port <= Int(span.last) {
          verdicts[port] = verdict
          next[port] = port + 1
          port = free(port + 1, &next)
        }
      }
    }
    return verdicts
  }

  private func free(_ port: Int, _ next: inout [Int]) -> Int {
    var root = port
    while next[root] != root { root = next[root] }
    var step = port
    while next[step] != root {
      let following = next[step]
      next[step] = root
      step = following
    }
    return root
  }
}
