// SPDX-License-Identifier: Apache-2.0

/// What a kernel setting can be: a type with the kernel's text for each value.
public protocol SettingValue: Sendable, Equatable {
  /// Reads the kernel's text, which has no newline at its end; nil when it means no value of this type.
  init?(settingText: String)

  /// The text to write.
  var settingText: String { get }
}

extension Bool: SettingValue {
  /// Reads a number: 0 is off, every other one on.
  public init?(settingText: String) {
    guard let number = Int64(settingText) else { return nil }
    self = number != 0
  }

  /// `1` or `0`.
  public var settingText: String { self ? "1" : "0" }
}

extension SettingValue where Self: FixedWidthInteger {
  /// Reads a decimal number.
  public init?(settingText: String) {
    guard let number = Self(settingText) else { return nil }
    self = number
  }

  /// The number in decimal digits.
  public var settingText: String { "\(self)" }
}

extension Int32: SettingValue {}
extension UInt32: SettingValue {}
extension UInt64: SettingValue {}

/// A range of ports, both ends included.
extension ClosedRange: SettingValue where Bound == UInt16 {
  /// Reads two numbers.
  public init?(settingText: String) {
    let numbers = settingText.split { $0 == " " || $0 == "\t" }.compactMap { UInt16($0) }
    guard numbers.count == 2, numbers[0] <= numbers[1] else { return nil }
    self = numbers[0]...numbers[1]
  }

  /// The two numbers with a space between them.
  public var settingText: String { "\(lowerBound) \(upperBound)" }
}

/// A value that is a number in the kernel's text.
public protocol NumberedSettingValue: SettingValue, RawRepresentable, Hashable where RawValue == Int32 {
  /// Makes a value from the kernel's number.
  init(rawValue: Int32)
}

extension NumberedSettingValue {
  /// Reads a decimal number.
  public init?(settingText: String) {
    guard let number = Int32(settingText) else { return nil }
    self.init(rawValue: number)
  }

  /// The number in decimal digits.
  public var settingText: String { "\(rawValue)" }
}
