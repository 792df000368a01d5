// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// Why an operation on a BPF object, map, program or attachment failed.
///
/// `message` is one sentence that names the object and, where there is one, the remedy. Absence is never an error:
/// look-ups return `nil`.
///
/// ```swift
/// do {
///   try flows.updateValue(state, forKey: key, mode: .new)
/// } catch where error.code == .alreadyExists {
///   …
/// }
/// ```
public struct BPFError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong, to branch on.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case layoutMismatch, incompatibleMap, verifierRejected, malformedObject, malformedRecord, malformedPin
      case notFound, alreadyExists, full, busy, permissionDenied, notSupported, invalidArgument
      case pinExists, notBPFFileSystem, notCgroup, interrupted, systemCall
    }

    private let name: Name

    /// A struct differs between the object (or the kernel's map) and Swift.
    public static let layoutMismatch = Code(name: .layoutMismatch)
    /// A map differs in type, key size, value size, size or flags from what was asked for.
    public static let incompatibleMap = Code(name: .incompatibleMap)
    /// The verifier refused a program; `verifierLog` has its words.
    public static let verifierRejected = Code(name: .verifierRejected)
    /// The bytes are not a BPF object.
    public static let malformedObject = Code(name: .malformedObject)
    /// A ring buffer record does not have the size of the Swift type.
    public static let malformedRecord = Code(name: .malformedRecord)
    /// What is pinned at a path is of another type.
    public static let malformedPin = Code(name: .malformedPin)
    /// No map, program, variable, interface, file or (with ``BPFUpdateMode/existing``) key of that name.
    public static let notFound = Code(name: .notFound)
    /// The key, or an attachment in the same place, exists.
    public static let alreadyExists = Code(name: .alreadyExists)
    /// The map holds as many entries as it may.
    public static let full = Code(name: .full)
    /// Somebody else uses it exclusively.
    public static let busy = Code(name: .busy)
    /// The kernel wants a capability that the process lacks.
    public static let permissionDenied = Code(name: .permissionDenied)
    /// This kernel cannot do it.
    public static let notSupported = Code(name: .notSupported)
    /// An argument is out of range.
    public static let invalidArgument = Code(name: .invalidArgument)
    /// A file exists where a pin was to be made.
    public static let pinExists = Code(name: .pinExists)
    /// A pin path is not on a bpf file system.
    public static let notBPFFileSystem = Code(name: .notBPFFileSystem)
    /// A path is not a cgroup2 directory.
    public static let notCgroup = Code(name: .notCgroup)
    /// The map changed too fast to be read to its end.
    public static let interrupted = Code(name: .interrupted)
    /// Another refusal of the kernel; see ``BPFError/errno``.
    public static let systemCall = Code(name: .systemCall)

    /// The code's name.
    public var description: String { name.rawValue }
  }

  /// What went wrong, to branch on.
  public let code: Code
  /// One sentence: what was attempted on which object, why it failed, what helps.
  public let message: String
  /// The kernel's error number, where there was one.
  public let errno: Errno?
  /// Everything the verifier wrote, where it refused a program.
  public let verifierLog: String?
  /// Of an operation on many entries: how many were done before the one that failed, in the order they were given.
  ///
  /// What follows them was not touched, so that the operation can be resumed there.
  public let completedCount: Int?

  package init(
    _ code: Code, _ message: String, errno: Errno? = nil, verifierLog: String? = nil, completedCount: Int? = nil
  ) {
    self.code = code
    self.message = message
    self.errno = errno
    self.verifierLog = verifierLog
    self.completedCount = completedCount
  }

  /// The same error of one entry among many.
  func after(_ done: Int, of count: Int) -> BPFError {
    BPFError(
      code, "\(message) (after \(done) of \(count) entries)", errno: errno, verifierLog: verifierLog,
      completedCount: done)
  }

  /// The message.
  public var description: String { message }
}
