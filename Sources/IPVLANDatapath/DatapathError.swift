// SPDX-License-Identifier: Apache-2.0

/// A failure of IPVLANDatapath: which pod, which step, why, and what helps.
public struct DatapathError: Error, Sendable {
  /// The kind of failure.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String {
      case invalidArgument, notSupported, linkNotFound, modeConflict, addressInUse, conflict, namespaceUnreachable
      case programs, kernel
    }
    private let value: Value
    private init(_ value: Value) { self.value = value }

    /// A value that can't be wired, whatever the state of the kernel.
    public static let invalidArgument = Code(.invalidArgument)
    /// The kernel has no ipvlan.
    public static let notSupported = Code(.notSupported)
    /// The ENI's link is not there, or is another one now.
    public static let linkNotFound = Code(.linkNotFound)
    /// The ENI is in use in another mode.
    public static let modeConflict = Code(.modeConflict)
    /// Another pod has the address.
    public static let addressInUse = Code(.addressInUse)
    /// An object that is not ours is in the way.
    public static let conflict = Code(.conflict)
    /// The pod's namespace can't be entered; nothing was touched.
    public static let namespaceUnreachable = Code(.namespaceUnreachable)
    /// Programs could not be loaded, attached or detached, or their maps not be written; see `underlying`.
    public static let programs = Code(.programs)
    /// The kernel refused; see `underlying`.
    public static let kernel = Code(.kernel)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// The kind of failure.
  public let code: Code
  /// One sentence that names the operand and, where there is one, the remedy.
  public let message: String
  /// The pod that was being worked on.
  public let pod: PodIdentity?
  /// The step of the plan that failed, as the plan prints it.
  public let step: String?
  /// What the module below threw.
  public let underlying: (any Error)?

  /// Makes an error.
  public init(
    code: Code, message: String, pod: PodIdentity? = nil, step: String? = nil, underlying: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.pod = pod
    self.step = step
    self.underlying = underlying
  }
}

extension DatapathError: CustomStringConvertible {
  /// Pod, message, step and cause in one line.
  public var description: String {
    var text = message
    if let pod { text = "pod \(pod): \(text)" }
    if let step { text += " (at: \(step))" }
    if let underlying { text += ": \(underlying)" }
    return text
  }
}
