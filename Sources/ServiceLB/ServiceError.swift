// SPDX-License-Identifier: Apache-2.0

public import BPFMaps

/// Why a service table could not be applied, or the load balancer not be loaded or attached.
public struct ServiceError: Error, Sendable {
  /// The kind of failure; more may be added.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Kind: String {
      case tableFull, invalidTable, conflictingFrontend, invalidLimits, notSupported, kernelRefused
    }
    private let kind: Kind

    /// A map has no room for what the table asks for; nothing was changed.
    public static let tableFull = Code(kind: .tableFull)
    /// An entry contradicts itself, or two have one name; nothing was changed.
    public static let invalidTable = Code(kind: .invalidTable)
    /// Two entries of the table claim the same frontend; nothing was changed.
    public static let conflictingFrontend = Code(kind: .conflictingFrontend)
    /// A limit is outside what the datapath can represent; nothing was loaded.
    public static let invalidLimits = Code(kind: .invalidLimits)
    /// The kernel cannot do it; nothing was changed.
    public static let notSupported = Code(kind: .notSupported)
    /// The kernel refused; ``ServiceError/underlying`` has its words.
    public static let kernelRefused = Code(kind: .kernelRefused)

    /// The code's name.
    public var description: String { kind.rawValue }
  }

  /// The kind of failure.
  public var code: Code
  /// What failed, on what, and what to do, one sentence.
  public var message: String
  /// The failure of the BPF layer, when the kernel refused.
  public var underlying: BPFError?

  /// Makes an error.
  public init(code: Code, message: String, underlying: BPFError? = nil) {
    self.code = code
    self.message = message
    self.underlying = underlying
  }
}

extension ServiceError: CustomStringConvertible {
  /// The message and, when there is one, the failure of the BPF layer.
  public var description: String { underlying.map { "\(message) (\($0))" } ?? message }
}
