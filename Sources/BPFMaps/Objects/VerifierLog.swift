// SPDX-License-Identifier: Apache-2.0

/// What the verifier writes of programs that it accepts.
///
/// Of a program that it refuses the log is always kept, in ``BPFError/verifierLog``: ``onRefusal`` asks for it by a second
/// attempt, the others have it from the first.
public enum VerifierLogging: Sendable, Hashable, CaseIterable {
  /// Nothing: the fastest way to load.
  case onRefusal
  /// How much work it was: ``LoadedObject/verifierStatistics(ofProgram:)``.
  case statistics
  /// Each instruction with all that is known of registers, on every path: megabytes, and slow.
  case everyState

  /// The kernel's `BPF_LOG_LEVEL1`, `BPF_LOG_LEVEL2` and `BPF_LOG_STATS`.
  ///
  /// Level 1 is the way to the end of the last path, which the verifier forgets when it accepts.
  var level: UInt32 {
    switch self {
    case .onRefusal: 0
    case .statistics: 4 | 1
    case .everyState: 4 | 2
    }
  }
}

/// How much work the verifier had with a program.
public struct VerifierStatistics: Sendable, Hashable {
  /// Instructions that it went through, each as often as there are paths to it.
  public var processedInstructions: Int
  /// How many it may be.
  public var limit: Int
  /// Time, in microseconds; nil: not said.
  public var microseconds: Int?
  /// Bytes of stack, of the program and each of its functions; empty: not said.
  public var stackDepths: [Int]
  /// States that it kept at once, at most.
  public var peakStates: Int

  /// Reads what stands at the end of a log; nil: no statistics there.
  ///
  /// - Parameter log: What the verifier wrote.
  public init?(parsing log: String) {
    var processed: [Substring]?
    microseconds = nil
    stackDepths = []
    for line in VerifierLog.lastLines(of: log) {
      let words = line.split(separator: " ")
      if line.hasPrefix("processed "), words.count >= 5 { processed = words }
      if line.hasPrefix("verification time "), words.count >= 3 { microseconds = Int(words[2]) }
      if line.hasPrefix("stack depth "), words.count >= 3 {
        stackDepths = words[2].split(separator: "+").compactMap { Int($0) }
      }
    }
    guard let processed, let count = Int(processed[1]), let limit = Int(processed[4].dropLast()) else { return nil }
    processedInstructions = count
    self.limit = limit
    let peak = processed.firstIndex(of: "peak_states").map { $0 + 1 }
    peakStates = peak.flatMap { $0 < processed.count ? Int(processed[$0]) : nil } ?? 0
  }
}

/// Finds the verifier's words among libbpf's.
///
/// Pure.
enum VerifierLog {
  /// Before the log of a program that was accepted.
  static let accepted = "accepted: "
  private static let start = "-- BEGIN PROG LOAD LOG --\n"
  private static let end = "-- END PROG LOAD LOG --"

  /// The program and its log; nil: the message has none.
  ///
  /// A log may have a gigabyte, so only the ends are looked at, and bytes, not characters.
  static func log(in message: String) -> (program: String?, log: String)? {
    let head = message.utf8.prefix(512)
    guard let start = head.firstRange(of: start.utf8) else { return nil }
    var log = Substring(message.utf8[start.upperBound...])
    if log.utf8.reversed().starts(with: end.utf8.reversed()) { log = Substring(log.utf8.dropLast(end.utf8.count)) }
    return (LoadFailure.quoted(in: String(Substring(head[..<start.lowerBound]))), String(log))
  }

  /// Of every program that has one.
  static func logs(in messages: [String]) -> [String: String] {
    var logs: [String: String] = [:]
    for message in messages {
      if let (program, log) = log(in: message), let program { logs[program] = log }
    }
    return logs
  }

  /// The last line that is neither a statistic nor empty.
  static func lastUsefulLine(of log: String) -> String? {
    let statistics = ["processed ", "verification time", "stack depth", "max_states", "libbpf:"]
    return lastLines(of: log)
      .last { line in !line.allSatisfy(\.isWhitespace) && !statistics.contains { line.hasPrefix($0) } }
      .map(String.init)
  }

  /// The lines in the last 4096 bytes, which are many more than a reason and statistics.
  static func lastLines(of log: String) -> [Substring] {
    Substring(log.utf8.suffix(4096)).split(whereSeparator: \.isNewline)
  }
}
