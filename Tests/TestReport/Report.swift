// SPDX-License-Identifier: Apache-2.0

/// All runs together: what passed, what failed, and what no kernel could run.
struct Report {
  /// The lines to print; the last one is the count.
  private(set) var lines: [String] = []
  /// Whether every test ran somewhere, and passed wherever it ran.
  private(set) var isSuccess: Bool

  /// Sums up the runs; runs on the same kernel count together.
  init(_ runs: [TestRun]) {
    var kernels: [String] = []
    for run in runs where !kernels.contains(run.kernel) { kernels.append(run.kernel) }

    var outcomes: [String: [Outcome]] = [:]
    var failures: [String] = []
    for kernel in kernels {
      let here = runs.filter { $0.kernel == kernel }
      lines += Self.summary(of: kernel, here)
      for run in here {
        failures += run.defects.map { "\(kernel): \($0)" }
        for (id, outcome) in run.outcomes.sorted(by: { $0.key < $1.key }) {
          outcomes[id, default: []].append(outcome)
          if case .failed(let message) = outcome {
            failures.append("\(kernel): \(TestRun.title(of: id)): \(message)")
          }
        }
      }
    }
    if runs.isEmpty { failures.append("there are no results") }

    var passed = 0
    var failed = 0
    var nowhere: [String] = []
    for (id, all) in outcomes.sorted(by: { $0.key < $1.key }) {
      let ran = all.filter { if case .skipped = $0 { false } else { true } }
      if ran.isEmpty {
        nowhere.append("\(TestRun.title(of: id)): \(Self.reasons(all))")
      } else if ran.allSatisfy({ $0 == .passed }) {
        passed += 1
      } else {
        failed += 1
      }
    }

    lines += Self.section("Failed:", failures)
    lines += Self.section("Ran on no kernel (a check that never runs is worse than none):", nowhere)
    lines += ["", "\(passed) passed, \(failed) failed, \(nowhere.count) skipped"]
    isSuccess = failures.isEmpty && nowhere.isEmpty && passed > 0
  }

  private static func summary(of kernel: String, _ runs: [TestRun]) -> [String] {
    var passed = 0
    var failed = 0
    var skipped: [String: Int] = [:]
    for outcome in runs.flatMap(\.outcomes.values) {
      switch outcome {
      case .passed: passed += 1
      case .failed: failed += 1
      case .skipped(let reason): skipped[reason, default: 0] += 1
      }
    }
    let total = skipped.values.reduce(0, +)
    let counts = "\(passed + failed) ran, \(passed) passed, \(failed) failed, \(total) skipped"
    let reasons = skipped.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return ["\(kernel): \(counts)"] + reasons.map { "  \($0.value) skipped, \($0.key)" }
  }

  private static func reasons(_ outcomes: [Outcome]) -> String {
    var reasons: [String] = []
    for case .skipped(let reason) in outcomes where !reasons.contains(reason) { reasons.append(reason) }
    return reasons.joined(separator: ", ")
  }

  private static func section(_ title: String, _ entries: [String]) -> [String] {
    entries.isEmpty ? [] : ["", title] + entries.map { "  " + $0 }
  }
}
