// SPDX-License-Identifier: Apache-2.0

/// A planned object that is not there as planned.
public struct Difference: Sendable, Hashable, CustomStringConvertible {
  /// Where, and the command that would put it right.
  public let step: String
  /// What is there instead.
  public let found: String

  /// Both, in one line.
  public var description: String { "\(step)\n      found: \(found)" }
}
