// SPDX-License-Identifier: Apache-2.0

import SystemPackage

extension BPFError {
  /// A refusal of the kernel in words: operation and object, reason, remedy.
  ///
  /// - Parameters:
  ///   - operation: What was attempted, with its object: `update map "flow"`.
  ///   - status: A negative error number, as libbpf returns it.
  ///   - words: What libbpf or the kernel said, if anything.
  /// - Returns: The error.
  static func kernel(_ operation: String, status: CInt, words: [String] = []) -> BPFError {
    let number = -status
    guard number < 4000 else {
      return BPFError(.malformedObject, sentence(operation, "libbpf error \(number)", words: words, remedy: nil))
    }
    let errno = Errno(rawValue: number)
    var (code, remedy) = meaning(of: errno)
    if errno == .notPermitted, let text = remedy { remedy = "\(text); \(holdings)" }
    return BPFError(code, sentence(operation, name(of: errno), words: words, remedy: remedy), errno: errno)
  }

  /// What a call that goes by the kernel's identifiers was refused for: these are for CAP_SYS_ADMIN alone.
  static func kernel(byIdentifier operation: String, status: CInt) -> BPFError {
    if status == -Errno.noSuchFileOrDirectory.rawValue {
      return BPFError(.notFound, "\(operation): nothing has that identifier", errno: .noSuchFileOrDirectory)
    }
    guard status == -Errno.notPermitted.rawValue else { return kernel(operation, status: status) }
    return BPFError(.permissionDenied, "\(operation): needs CAP_SYS_ADMIN, or root", errno: .notPermitted)
  }

  /// The kernel's ENOTSUPP, which is not an errno of user space but gets out of several BPF calls.
  static let kernelNotSupported = Errno(rawValue: 524)

  private static func name(of errno: Errno) -> String {
    errno == kernelNotSupported ? "not supported (errno 524)" : errno.description
  }

  private static func sentence(_ operation: String, _ reason: String, words: [String], remedy: String?) -> String {
    var text = "\(operation): \(reason)"
    if let last = words.last { text += " (\(last))" }
    if let remedy { text += "; \(remedy)" }
    return text
  }

  /// Which of the capabilities the calling thread lacks.
  private static var holdings: String {
    let lacking = Privileges.lacking
    return lacking.isEmpty
      ? "this thread has them, so lockdown, a security module, a sandbox or a user namespace forbids it"
      : "this thread lacks \(lacking.joined(separator: ", "))"
  }

  private static func meaning(of errno: Errno) -> (Code, remedy: String?) {
    switch errno {
    case .notPermitted:
      (
        .permissionDenied,
        "needs CAP_BPF (maps, programs) and CAP_NET_ADMIN (network programs, attachments), or root; before Linux 5.11 also a larger RLIMIT_MEMLOCK"
      )
    case .permissionDenied: (.permissionDenied, nil)
    case .noSuchFileOrDirectory: (.notFound, nil)
    case .fileExists: (.alreadyExists, nil)
    case .argListTooLong, .noSpace: (.full, nil)
    case .resourceBusy: (.busy, nil)
    case .notSupported, kernelNotSupported: (.notSupported, nil)
    case .invalidArgument: (.invalidArgument, nil)
    case Errno(rawValue: 19): (.notFound, "no such interface in this network namespace")
    case .tooManyOpenFiles: (.systemCall, "raise the limit of open files (ulimit -n)")
    case .noMemory:
      (.systemCall, "the kernel is out of memory for this process: check the memory limit of its control group")
    default: (.systemCall, nil)
    }
  }
}
