// SPDX-License-Identifier: Apache-2.0

import Foundation

/// `test-report (KERNEL STATUS FILE)…`: reads event streams, prints the report, exits with 1 unless all is well.
@main
enum Command {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard let runs = runs(in: arguments) else {
      FileHandle.standardError.write(
        Data("Usage: test-report (KERNEL STATUS FILE)...\nFILE is the event stream of a test process.\n".utf8))
      exit(2)
    }
    let report = Report(runs)
    print(report.lines.joined(separator: "\n"))
    exit(report.isSuccess ? 0 : 1)
  }

  /// The runs that the arguments name, or nil when they are not triples with a number in the middle.
  static func runs(in arguments: [String]) -> [TestRun]? {
    guard !arguments.isEmpty, arguments.count.isMultiple(of: 3) else { return nil }
    var runs: [TestRun] = []
    for start in stride(from: 0, to: arguments.count, by: 3) {
      guard let status = Int32(arguments[start + 1]) else { return nil }
      let contents = FileManager.default.contents(atPath: arguments[start + 2])
      runs.append(TestRun(kernel: arguments[start], status: status, contents: contents))
    }
    return runs
  }
}
