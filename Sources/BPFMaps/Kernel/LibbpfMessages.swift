// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import Synchronization

/// What libbpf says while it works, collected per thread; nothing is ever printed.
///
/// libbpf has one print function for the whole process. It calls it on the thread that called libbpf, so the thread
/// tells which load a message belongs to, and loads need not wait for each other.
enum LibbpfMessages {
  private static let collected = Mutex<[UInt: [String]]>([:])

  /// Verifier logs come as one message; the kernel writes at most 1 GiB, and libbpf's buffer grows until it fits.
  ///
  /// The pages are touched only as far as needed. Where so much cannot even be reserved, the log's end is cut off.
  private static let roomForLogs = [1 << 30, 17 << 20, 1 << 20]
  private static let roomForOthers = [64 << 10]

  private static let isInstalled: Bool = {
    unsafe libbpf_set_print { level, format, arguments in
      guard let format = unsafe format, let arguments = unsafe arguments else { return 0 }
      // The log of a program that was accepted comes among the debug messages.
      let isLog = unsafe strstr(format, "-- BEGIN PROG LOAD LOG --") != nil
      guard level != LIBBPF_DEBUG || isLog else { return 0 }
      LibbpfMessages.append(mark: level == LIBBPF_DEBUG ? VerifierLog.accepted : "") {
        unsafe LibbpfMessages.formatted(unsafe format, unsafe arguments, isLog: isLog)
      }
      return 0
    }
    return true
  }()

  /// Silences libbpf, for calls whose messages nobody reads.
  static func silence() { _ = isInstalled }

  /// Runs `body`, and returns with its result what libbpf said on this thread.
  ///
  /// `body` must not change threads.
  static func collect<Result>(_ body: () -> Result) -> (Result, [String]) {
    silence()
    let thread = UInt(pthread_self())
    collected.withLock { $0[thread] = [] }
    let result = body()
    let messages = collected.withLock { $0.removeValue(forKey: thread) ?? [] }
    return (result, messages)
  }

  /// The arguments can be read only once, so that the length is not known before.
  ///
  /// Allocated, not borrowed from the stack: a temporary allocation of a constant size is put there however large.
  private static func formatted(
    _ format: UnsafePointer<CChar>, _ arguments: CVaListPointer, isLog: Bool
  ) -> String {
    for room in isLog ? roomForLogs : roomForOthers {
      guard let memory = unsafe malloc(room) else { continue }
      defer { unsafe free(memory) }
      let buffer = unsafe memory.assumingMemoryBound(to: CChar.self)
      return unsafe vsnprintf(buffer, room, format, arguments) >= 0 ? unsafe String(cString: buffer) : ""
    }
    return ""
  }

  private static func append(mark: String, _ message: () -> String) {
    let thread = UInt(pthread_self())
    guard collected.withLock({ $0[thread] != nil }) else { return }
    var text = message()
    if text.hasPrefix("libbpf: ") { text.removeFirst(8) }
    while text.last?.isNewline == true { text.removeLast() }
    if !mark.isEmpty { text = mark + text }
    collected.withLock { $0[thread]?.append(text) }
  }
}
