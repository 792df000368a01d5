// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One line of the event stream that Swift Testing writes with `--event-stream-output-path` (version 6.3).
///
/// Only what the report needs is decoded.
struct EventRecord: Decodable {
  var kind: String
  var payload: Payload

  struct Payload: Decodable {
    /// `suite` or `function` in a test record; what happened in an event record.
    var kind: String
    /// The identifier of a test record.
    var id: String?
    /// The identifier of the test that an event is about.
    var testID: String?
    var messages: [Message]?
    var issue: Issue?
  }

  struct Message: Decodable {
    var symbol: String
    var text: String
  }

  struct Issue: Decodable {
    var isFailure: Bool
  }
}

/// The event stream of one test process, as far as it was written.
struct EventStream {
  var records: [EventRecord] = []
  /// The number of the first line that is not a complete record, counted from 1.
  var firstBrokenLine: Int?

  /// Reads as many records as are whole: a process that dies leaves half a line.
  init(parsing contents: Data) {
    let decoder = JSONDecoder()
    for (index, line) in contents.split(separator: UInt8(ascii: "\n")).enumerated() {
      guard let record = try? decoder.decode(EventRecord.self, from: Data(line)) else {
        firstBrokenLine = index + 1
        return
      }
      records.append(record)
    }
  }
}
