// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import NetlinkKit

/// A failure of ``VPCFabric``: which port, what was being done, and why.
public struct FabricError: Error, Sendable {
  /// The kind of failure.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String { case unknownNode, exists, notFound, invalidArgument, kernel }
    private let value: Value
    private init(_ value: Value) { self.value = value }

    /// No namespace was registered for the instance.
    public static let unknownNode = Code(.unknownNode)
    /// The network interface has a port already, or an address is assigned to another.
    public static let exists = Code(.exists)
    /// The network interface has no port.
    public static let notFound = Code(.notFound)
    /// A value no VPC has.
    public static let invalidArgument = Code(.invalidArgument)
    /// The kernel refused; see `underlying`.
    public static let kernel = Code(.kernel)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// The kind of failure.
  public let code: Code
  /// One sentence that names the operand and, where there is one, the remedy.
  public let message: String
  /// What the module below threw.
  public let underlying: (any Error)?

  /// Makes an error.
  public init(code: Code, message: String, underlying: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.underlying = underlying
  }
}

extension FabricError: CustomStringConvertible {
  /// The message and the cause.
  public var description: String { underlying.map { "\(message): \($0)" } ?? message }
}
