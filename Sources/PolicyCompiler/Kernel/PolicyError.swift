// SPDX-License-Identifier: Apache-2.0

public import BPFMaps

/// Why compiled policies could not be put into force.
///
/// The generation that was in force stays so.
public struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of trouble it is.
  public struct Code: Hashable, Sendable {
    private enum Value { case full, invalidEndpoint, kernel }
    private let value: Value
    /// The new tables do not fit into the maps beside those in force.
    ///
    /// Nothing was written.
    public static let full = Code(value: .full)
    /// An endpoint number is out of range or given twice.
    ///
    /// Nothing was written.
    public static let invalidEndpoint = Code(value: .invalidEndpoint)
    /// The kernel refused an operation; see ``PolicyError/underlying``.
    ///
    /// What was written was taken back.
    public static let kernel = Code(value: .kernel)
  }

  /// What kind of trouble it is.
  public let code: Code
  /// What was attempted, why it failed, and what helps.
  public let message: String
  /// What the kernel said.
  public let underlying: BPFError?

  init(_ code: Code, _ message: String, underlying: BPFError? = nil) {
    self.code = code
    self.message = message
    self.underlying = underlying
  }

  /// The message.
  public var description: String { message }
}
