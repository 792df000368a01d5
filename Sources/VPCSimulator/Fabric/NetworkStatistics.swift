// SPDX-License-Identifier: Apache-2.0

/// The counters of `/proc/net/netstat` and `/proc/net/snmp`: pairs of lines, names above numbers.
///
/// Pure and total.
struct NetworkStatistics {
  private var values: [String: [String: UInt64]] = [:]

  init(_ text: String) {
    var header: [Substring] = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard let group = words.first?.dropLast(), words.first?.last == ":" else { continue }
      if words.dropFirst().allSatisfy({ $0.first?.isNumber == true || $0.first == "-" }), header.first == words.first {
        for (name, value) in zip(header.dropFirst(), words.dropFirst()) {
          values[String(group), default: [:]][String(name)] = UInt64(value)
        }
        header = []
      } else {
        header = words
      }
    }
  }

  /// A counter by group and name; `nil` when the kernel has none.
  subscript(group: String, name: String) -> UInt64? { values[group]?[name] }
}
