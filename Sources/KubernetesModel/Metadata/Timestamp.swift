// SPDX-License-Identifier: Apache-2.0

/// A point in time, as the API writes it: `2006-01-02T15:04:05Z`.
///
/// Kubernetes: `Time`.
public struct Timestamp: Hashable, Sendable, Comparable {
  /// Seconds since 1970-01-01T00:00:00Z.
  public var seconds: Int64
  /// The rest, 0..<1,000,000,000.
  public var nanoseconds: UInt32

  /// Makes a time.
  ///
  /// - Parameters:
  ///   - seconds: seconds since 1970-01-01T00:00:00Z.
  ///   - nanoseconds: the rest; what is a second or more is cut off.
  public init(seconds: Int64, nanoseconds: UInt32 = 0) {
    self.seconds = seconds
    self.nanoseconds = min(nanoseconds, 999_999_999)
  }

  /// Reads RFC 3339 notation, with any offset; anything else is nil.
  ///
  /// - Parameter text: the time; digits after the ninth of a fraction do not count.
  public init?(_ text: String) {
    var bytes = Array(text.utf8)[...]
    /// Takes as many digits, and a separator after them, as a number.
    func number(_ count: Int, _ range: ClosedRange<Int>, then separator: UInt8? = nil) -> Int? {
      guard bytes.count >= count, bytes.prefix(count).allSatisfy({ (48...57).contains($0) }) else { return nil }
      let value = bytes.prefix(count).reduce(0) { $0 * 10 + Int($1) - 48 }
      bytes = bytes.dropFirst(count)
      guard range.contains(value) else { return nil }
      guard let separator else { return value }
      guard bytes.first == separator else { return nil }
      bytes = bytes.dropFirst()
      return value
    }
    guard let year = number(4, 0...9999, then: 45), let month = number(2, 1...12, then: 45),
      let day = number(2, 1...31, then: 84), let hour = number(2, 0...23, then: 58),
      let minute = number(2, 0...59, then: 58), let second = number(2, 0...59)
    else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard day <= days[month - 1] else { return nil }
    var fraction: UInt32 = 0
    if bytes.first == 46 || bytes.first == 44 {
      let digits = bytes.dropFirst().prefix { (48...57).contains($0) }
      if digits.isEmpty { return nil }
      bytes = bytes.dropFirst(1 + digits.count)
      for place in 0..<9 {
        let digit = place < digits.count ? UInt32(digits[digits.startIndex + place] - 48) : 0
        fraction = fraction * 10 + digit
      }
    }
    var offset = 0
    if bytes.elementsEqual([90]) {
      bytes = []
    } else {
      guard let sign = bytes.first, sign == 43 || sign == 45 else { return nil }
      bytes = bytes.dropFirst()
      guard let hours = number(2, 0...24, then: 58), let minutes = number(2, 0...60) else { return nil }
      offset = (sign == 43 ? 1 : -1) * (hours * 3600 + minutes * 60)
    }
    guard bytes.isEmpty else { return nil }
    let dayNumber = Self.dayNumber(year: year, month: month, day: day)
    let ofDay = hour * 3600 + minute * 60 + second
    self.init(seconds: Int64(dayNumber) * 86400 + Int64(ofDay - offset), nanoseconds: fraction)
  }

  /// Orders by time.
  public static func < (left: Self, right: Self) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }

  /// Days since 1970-01-01; March counts as a year's first month, so that the leap day comes last.
  private static func dayNumber(year: Int, month: Int, day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// Year, month and day of a day number.
  private static func date(_ dayNumber: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = dayNumber + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}

extension Timestamp: CustomStringConvertible {
  /// RFC 3339 notation in UTC, with as many digits of a fraction as it has.
  public var description: String {
    func padded(_ number: Int, _ width: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
    let day = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
    let ofDay = Int(seconds - day * 86400)
    let (year, month, date) = Self.date(Int(day))
    var fraction = ""
    if nanoseconds > 0 {
      fraction = "." + padded(Int(nanoseconds), 9)
      while fraction.utf8.last == 48 { fraction.removeLast() }
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(date, 2))T"
      + "\(padded(ofDay / 3600, 2)):\(padded(ofDay / 60 % 60, 2)):\(padded(ofDay % 60, 2))\(fraction)Z"
  }
}

extension Timestamp: Encodable {
  /// Writes the time as text.
  ///
  /// - Parameter encoder: where it goes.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    try single.encode(description)
  }
}
