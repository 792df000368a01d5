// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What became of one test in one run.
enum Outcome: Equatable {
  case passed
  /// With what the first failed expectation said.
  case failed(String)
  /// With the missing feature, without what explains it; or the whole reason where it names none.
  case skipped(String)
}

/// What one test process did on one kernel.
struct TestRun {
  /// How the kernel is called in the report.
  var kernel: String
  /// By test identifier.
  var outcomes: [String: Outcome] = [:]
  /// What makes the run worthless or wrong beyond its single tests.
  var defects: [String] = []

  /// Reads a test process's event stream.
  ///
  /// - Parameters:
  ///   - kernel: How the kernel is called in the report.
  ///   - status: The exit status of the process.
  ///   - contents: The event stream, or nil when there is none.
  init(kernel: String, status: Int32, contents: Data?) {
    self.kernel = kernel
    guard let contents else {
      defects.append("the test process left no results (exit status \(status))")
      return
    }
    let stream = EventStream(parsing: contents)
    collect(stream.records)
    let hasEnded = stream.records.contains { $0.kind == "event" && $0.payload.kind == "runEnded" }
    if let line = stream.firstBrokenLine {
      defects.append("the results are cut short in line \(line) (exit status \(status))")
    } else if !hasEnded {
      defects.append("the test process ended before its tests did (exit status \(status))")
    }
    if outcomes.isEmpty {
      defects.append("no test was selected")
    }
    let hasFailures = outcomes.values.contains { if case .failed = $0 { true } else { false } }
    if status != 0, !hasFailures, defects.isEmpty {
      defects.append("no test failed, but the exit status of the test process is \(status)")
    }
  }

  private mutating func collect(_ records: [EventRecord]) {
    var selected: [String] = []
    var ended: Set<String> = []
    for record in records {
      let payload = record.payload
      if record.kind == "test" {
        if payload.kind == "function", let id = payload.id {
          selected.append(id)
        }
        continue
      }
      switch payload.kind {
      case "issueRecorded" where payload.issue?.isFailure == true:
        recordFailure(payload)
      case "testSkipped":
        note(.skipped(Self.skipReason(payload.messages)), of: payload.testID)
      case "testEnded":
        if let id = payload.testID { ended.insert(id) }
        // A test that cancels itself while it runs ends with the symbol of a skipped one.
        if payload.messages?.first?.symbol == "skip" {
          note(.skipped(Self.skipReason(payload.messages)), of: payload.testID)
        }
      default: break
      }
    }
    // Suites have events, too: only functions count.
    let functions = Set(selected)
    for (id, outcome) in outcomes where !functions.contains(id) {
      if case .failed(let message) = outcome {
        defects.append("\(Self.title(of: id)): \(message)")
      }
      outcomes[id] = nil
    }
    for id in functions where outcomes[id] == nil {
      outcomes[id] = ended.contains(id) ? .passed : .failed("did not finish")
    }
  }

  private mutating func recordFailure(_ payload: EventRecord.Payload) {
    let message = payload.messages?.map(\.text).joined(separator: "; ") ?? "issue without words"
    guard let id = payload.testID else {
      defects.append(message)
      return
    }
    if case .failed = outcomes[id] { return }
    outcomes[id] = .failed(message)
  }

  private mutating func note(_ outcome: Outcome, of id: String?) {
    guard let id else { return }
    if case .failed = outcomes[id] { return }
    outcomes[id] = outcome
  }

  /// The reason in `Test NAME skipped: "missing feature: ipvlan (CONFIG_IPVLAN is not set)"`, here up to the parenthesis.
  static func skipReason(_ messages: [EventRecord.Message]?) -> String {
    let text = messages?.first?.text ?? ""
    guard let opening = text.range(of: ": \""), text.hasSuffix("\"") else { return "no reason given" }
    let reason = text[opening.upperBound...].dropLast()
    guard let feature = reason.range(of: "missing feature: ") else { return String(reason) }
    let named = reason[feature.lowerBound...]
    return String(named[..<(named.range(of: " (")?.lowerBound ?? named.endIndex)])
  }

  /// A test's identifier without the place in its source and without backticks.
  static func title(of id: String) -> String {
    var parts = id.split(separator: "/")
    if let last = parts.last, last.contains(".swift:") { parts.removeLast() }
    return parts.joined(separator: "/").replacing("`", with: "")
  }
}
