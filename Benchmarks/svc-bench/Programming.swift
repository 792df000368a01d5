// SPDX-License-Identifier: Apache-2.0

import LinuxSystem
import ServiceList

/// Times how long a mode takes to serve many services from nothing, and to serve one endpoint anew.
struct Programming: Sendable {
  var services: Int
  var endpoints: Int
  var rounds: Int
  var changes: Int

  /// What a mode took, one cost for each round or change.
  struct Result: Sendable {
    var all: [Cost] = []
    var one: [Cost] = []
  }

  func run(_ mode: Mode) async throws -> Result {
    let list = ServiceList.made(services, endpoints: endpoints)
    var result = Result()
    for round in 0..<rounds {
      try Task.checkCancellation()
      let stage = try await Stage()
      let balancer = try await mode.balancer(at: stage, for: list)
      result.all.append(try await balancer.program(list))
      if round == 0 {
        var current = list
        for number in 0..<changes {
          try Task.checkCancellation()
          guard let change = EndpointChange(current, round: number) else { break }
          result.one.append(try await balancer.change(change))
          current = change.list
        }
      }
      try await balancer.remove()
      // What takes seconds is not repeated.
      if result.all.last.map({ $0.milliseconds > 5000 }) == true { break }
    }
    return result
  }

  /// The lines of a result.
  func lines(_ mode: Mode, _ result: Result) -> [String] {
    [("program", result.all), ("change", result.one)].compactMap { name, costs in
      guard !costs.isEmpty else { return nil }
      let times = costs.map(\.milliseconds)
      let members = [
        #""op":"\#(mode.rawValue).\#(services)x\#(endpoints).\#(name)""#,
        #""value":\#(Figures.text(Figures.median(times)))"#, #""unit":"ms""#, #""n":\#(costs.count)"#,
        #""cpu":\#(Figures.text(Figures.median(costs.map(\.cpu))))"#, #""least":\#(Figures.text(times.min() ?? 0))"#,
        #""most":\#(Figures.text(times.max() ?? 0))"#,
      ]
      return "{\(members.joined(separator: ","))}"
    }
  }
}
