// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import test_report

/// Lines of an event stream, written as Swift Testing 6.3.1 writes them; names are those of functions in `Suite`.
enum Lines {
  case selected([String])
  case passed(String)
  case failed(String, String)
  case skipped(String, String)
  case cancelled(String, String)
  case warned(String)
  case stray(String)
  case ended

  var text: [String] {
    switch self {
    case .selected(let names):
      names.map { #"{"kind":"test","payload":{"id":"\#(id($0))","kind":"function","name":"`\#($0)`()"}}"# }
    case .passed(let name):
      [event("testEnded", name, "pass", "Test \(name) passed after 0.001 seconds.")]
    case .failed(let name, let message):
      [
        event("issueRecorded", name, "fail", message, #","issue":{"isFailure":true,"isKnown":false}"#),
        event("testEnded", name, "fail", "Test \(name) failed after 0.001 seconds with 1 issue."),
      ]
    case .skipped(let name, let reason):
      [event("testSkipped", name, "skip", #"Test \#(name) skipped: \"\#(reason)\""#)]
    case .cancelled(let name, let reason):
      [event("testEnded", name, "skip", #"Test \#(name) was cancelled after 0.001 seconds: \"\#(reason)\""#)]
    case .warned(let name):
      [
        event("issueRecorded", name, "warning", "careful", #","issue":{"isFailure":false,"isKnown":false}"#),
        event("issueRecorded", name, "passWithKnownIssue", "known", #","issue":{"isFailure":false,"isKnown":true}"#),
      ]
    case .stray(let message):
      [event("issueRecorded", nil, "fail", message, #","issue":{"isFailure":true,"isKnown":false}"#)]
    case .ended:
      [event("runEnded", nil, "pass", "Test run ended.")]
    }
  }

  private func id(_ name: String) -> String { "Suite/`\(name)`()/File.swift:1:2" }

  private func event(_ kind: String, _ name: String?, _ symbol: String, _ text: String, _ more: String = "") -> String {
    let test = name.map { #","testID":"\#(id($0))""# } ?? ""
    let message = #"{"symbol":"\#(symbol)","text":"\#(text)"}"#
    return #"{"kind":"event","payload":{"kind":"\#(kind)","messages":[\#(message)]\#(test)\#(more)}}"#
  }
}

/// A whole stream: the start, the lines, a newline at the end.
func contents(_ lines: [Lines]) -> Data {
  let start = #"{"kind":"event","payload":{"kind":"runStarted","messages":[]}}"#
  return Data((([start] + lines.flatMap(\.text)).joined(separator: "\n") + "\n").utf8)
}

func run(_ kernel: String, status: Int32 = 0, _ lines: Lines...) -> TestRun {
  TestRun(kernel: kernel, status: status, contents: contents(lines))
}
