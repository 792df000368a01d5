// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// Turns what libbpf said during a failed load into one error.
///
/// Pure.
enum LoadFailure {
  private static let logStart = "-- BEGIN PROG LOAD LOG --"
  private static let logEnd = "-- END PROG LOAD LOG --"

  static func describe(object: String, status: CInt, messages: [String]) -> BPFError {
    let operation = "load object \"\(object)\""
    for message in messages {
      guard let start = message.firstRange(of: logStart) else { continue }
      var log = String(message[start.upperBound...])
      if let end = log.firstRange(of: logEnd) { log = String(log[..<end.lowerBound]) }
      log = String(log.drop(while: \.isNewline))
      let program = quoted(in: message).map { "program \"\($0)\"" } ?? "a program"
      let reason = lastUsefulLine(of: log) ?? "no reason was given"
      return BPFError(
        .verifierRejected, "\(operation): the verifier refused \(program): \(reason)",
        errno: .init(rawValue: -status), verifierLog: log)
    }
    // libbpf ends with lines that say only that the load failed; the first of them names the cause.
    let words = messages.first { $0.contains("failed") } ?? messages.first
    return BPFError.kernel(operation, status: status, words: words.map { [$0] } ?? [])
  }

  /// The last line that is neither a statistic nor empty.
  static func lastUsefulLine(of log: String) -> String? {
    let statistics = ["processed ", "verification time", "stack depth", "max_states", "libbpf:"]
    return log.split(whereSeparator: \.isNewline)
      .last { line in !line.allSatisfy(\.isWhitespace) && !statistics.contains { line.hasPrefix($0) } }
      .map(String.init)
  }

  /// The first name in single quotes.
  private static func quoted(in message: String) -> String? {
    let parts = message.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 3 ? String(parts[1]) : nil
  }
}
