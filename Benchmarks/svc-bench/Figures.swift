// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What is compared: one kind of traffic to one service of a list.
struct Operation: Hashable, Sendable {
  var count: Int
  var place: Place
  var profile: Profile
}

/// What one round showed, in microseconds.
struct Round: Sendable {
  var median: Double
  var p99: Double
  var mean: Double
  var cpu: Double

  init(_ sample: Sample) {
    median = sample.median / 1000
    p99 = sample.p99 / 1000
    mean = sample.mean / 1000
    cpu = sample.cpu / 1000
  }
}

/// All that was measured, by mode and operation, in the order of the rounds.
struct Figures: Sendable {
  private(set) var rounds: [Mode: [Operation: [Round]]] = [:]

  mutating func add(_ round: Round, _ mode: Mode, _ operation: Operation) {
    rounds[mode, default: [:]][operation, default: []].append(round)
  }

  /// The median over the rounds of the rounds' medians; nil where nothing was measured.
  func value(_ mode: Mode, _ operation: Operation) -> Double? {
    rounds[mode]?[operation].map { Self.median($0.map(\.median)) }
  }

  /// How many times as long as another mode, round by round; nil where one was not measured.
  func ratio(_ mode: Mode, _ other: Mode, _ operation: Operation) -> Double? {
    guard let ours = rounds[mode]?[operation], let theirs = rounds[other]?[operation] else { return nil }
    return Self.median(zip(ours, theirs).map { $0.median / $1.median })
  }

  /// The line of an operation, as the format of benchmarks has it.
  func line(_ mode: Mode, _ operation: Operation, operations: Int, flows: Int = 0) -> String? {
    guard let rounds = rounds[mode]?[operation], !rounds.isEmpty else { return nil }
    let medians = rounds.map(\.median)
    var members = [
      #""op":"\#(mode.rawValue).\#(operation.count).\#(operation.place.rawValue).\#(operation.profile.rawValue)""#,
      #""value":\#(Self.text(Self.median(medians)))"#, #""unit":"us""#, #""n":\#(rounds.count * operations)"#,
      #""cpu":\#(Self.text(Self.median(rounds.map(\.cpu))))"#,
      #""mean":\#(Self.text(Self.median(rounds.map(\.mean))))"#,
      #""p99":\#(Self.text(Self.median(rounds.map(\.p99))))"#, #""least":\#(Self.text(medians.min() ?? 0))"#,
      #""most":\#(Self.text(medians.max() ?? 0))"#,
    ]
    if flows > 0 { members.append(#""flows":\#(flows)"#) }
    if mode != .direct, let ratio = ratio(mode, .direct, operation) {
      members.append(#""of_direct":\#(Self.text(ratio))"#)
    }
    if mode.isOurs {
      for other in Mode.allCases where !other.isOurs && !other.isFloor {
        guard let ratio = ratio(mode, other, operation) else { continue }
        let name = other.rawValue.replacing("-", with: "_")
        // More operations in the same time, and less time for one: both are said as "better".
        members.append(#""rate_above_\#(name)":\#(Self.text(1 / ratio - 1))"#)
        members.append(#""time_below_\#(name)":\#(Self.text(1 - ratio))"#)
      }
    }
    return "{\(members.joined(separator: ","))}"
  }

  static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }

  /// With four decimals.
  static func text(_ value: Double) -> String {
    let scaled = Int((abs(value) * 10_000).rounded())
    let fraction = "\(scaled % 10_000)"
    return (value < 0 && scaled > 0 ? "-" : "") + "\(scaled / 10_000)."
      + String(repeating: "0", count: 4 - fraction.count) + fraction
  }
}
