// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// A failure of LinuxSystem: what was tried on what, why it failed, and what helps.
public struct SystemError: Error, Sendable, Hashable {
  /// The kind of failure.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String {
      case notFound, exists, permissionDenied, invalidArgument, notSupported, threadFailed, notKept, systemCall
    }
    private let value: Value
    private init(_ value: Value) { self.value = value }

    /// The object named by the caller does not exist.
    public static let notFound = Code(.notFound)
    /// The object to be made exists already.
    public static let exists = Code(.exists)
    /// A privilege is missing; the message names it.
    public static let permissionDenied = Code(.permissionDenied)
    /// An argument can't be right whatever the state of the system.
    public static let invalidArgument = Code(.invalidArgument)
    /// The kernel lacks the feature; the message names it.
    public static let notSupported = Code(.notSupported)
    /// A thread could not be started.
    public static let threadFailed = Code(.threadFailed)
    /// What was written was accepted, and is not what is read afterwards; the message names both.
    public static let notKept = Code(.notKept)
    /// Any other system call failure; see `errno`.
    public static let systemCall = Code(.systemCall)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// The kind of failure.
  public let code: Code
  /// One sentence that names the operand and, where there is one, the remedy.
  public let message: String
  /// The system call that failed.
  public let systemCall: String?
  /// The kernel's reason.
  public let errno: Errno?

  /// Makes an error.
  public init(code: Code, message: String, systemCall: String? = nil, errno: Errno? = nil) {
    self.code = code
    self.message = message
    self.systemCall = systemCall
    self.errno = errno
  }

  /// A thread that could not be started.
  init(threadFailure number: CInt, name: String) {
    self.init(
      code: .threadFailed, message: "start thread \"\(name)\": the process may not have more threads (see ulimit -u)",
      systemCall: "pthread_create", errno: Errno(rawValue: number))
  }

  /// Classifies a failed system call; `operation` reads as "open namespace "blue"".
  init(_ operation: String, systemCall: String, errno: Errno) {
    let code: Code
    var remedy = ""
    switch errno {
    case .noSuchFileOrDirectory: code = .notFound
    case .fileExists: code = .exists
    case .permissionDenied, .notPermitted:
      code = .permissionDenied
      remedy = "; run as root (CAP_SYS_ADMIN is needed)"
    case .invalidArgument: code = .invalidArgument
    case .noSpace where systemCall == "unshare":
      code = .systemCall
      remedy = "; there are too many namespaces: remove some, or raise the setting user.max_net_namespaces"
    case .tooManyOpenFiles:
      code = .systemCall
      remedy = "; raise the limit of open files (ulimit -n)"
    default: code = .systemCall
    }
    self.init(
      code: code, message: "\(operation): \(errno.description)\(remedy)", systemCall: systemCall, errno: errno)
  }
}

extension SystemError: CustomStringConvertible {
  /// The message, and the system call in parentheses.
  public var description: String {
    guard let systemCall else { return message }
    return "\(message) (\(systemCall))"
  }
}
