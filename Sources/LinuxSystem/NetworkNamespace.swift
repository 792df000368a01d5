// SPDX-License-Identifier: Apache-2.0

internal import CLinuxSystem
internal import Glibc
public import SystemPackage

/// Which namespace it is: two handles are the same namespace exactly when these are equal.
public struct NamespaceIdentity: Hashable, Sendable {
  /// The device number of the namespace file system.
  public let device: UInt64
  /// The namespace's inode number, as `readlink /proc/self/ns/net` shows.
  public let inode: UInt64
}

/// A network namespace, held open by a descriptor.
///
/// A thread is *in* a namespace; a task is not. Swift moves tasks between the threads of a pool at every `await`, so a
/// task that called setns(2) would leave the pool's thread in the namespace for whoever runs there next. So there is
/// no "current namespace" to set here: work is sent into a namespace with ``run(_:)``, on a thread that is thrown
/// away afterwards, or with a ``NamespaceExecutor``, on a thread that never leaves it. A socket that was opened in a
/// namespace stays there and may be used from anywhere.
///
/// The handle may be shared; the descriptor closes with the last reference. An anonymous namespace lives as long as
/// something holds it, so a crash leaks nothing.
public final class NetworkNamespace: Sendable {
  private let handle: OwnedFileDescriptor
  /// Which namespace this is.
  public let identity: NamespaceIdentity

  /// The namespace's descriptor, valid while this object lives.
  ///
  /// Pass it to a call; never store it.
  public var descriptor: CInt { handle.rawValue }

  /// Takes over a descriptor of a namespace file.
  ///
  /// - Parameter descriptor: An open `/proc/PID/ns/net`, or a bind mount of one.
  /// - Throws: `invalidArgument` when it is another kind of file.
  public init(taking descriptor: consuming OwnedFileDescriptor) throws(SystemError) {
    var status = stat()
    guard unsafe fstat(descriptor.rawValue, &status) == 0 else {
      throw SystemError("inspect a namespace descriptor", systemCall: "fstat", errno: Errno(rawValue: Glibc.errno))
    }
    guard clinuxsystem_is_network_namespace(descriptor.rawValue) == 1 else {
      throw SystemError(
        code: .invalidArgument,
        message: "the descriptor is not a network namespace; open /proc/PID/ns/net or /run/netns/NAME")
    }
    identity = NamespaceIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    handle = descriptor
  }

  /// Opens the namespace at a path.
  ///
  /// - Parameter path: `/proc/PID/ns/net`, or a file that a namespace is bind-mounted on.
  /// - Returns: A handle on the namespace.
  /// - Throws: `notFound`; `invalidArgument` when the file is not a namespace (a name whose mount is gone).
  public static func open(path: FilePath) throws(SystemError) -> NetworkNamespace {
    let descriptor: OwnedFileDescriptor
    do {
      descriptor = try OwnedFileDescriptor.open(path, flags: O_RDONLY)
    } catch {
      throw SystemError("open namespace \"\(path)\"", systemCall: "open", errno: error)
    }
    do {
      return try NetworkNamespace(taking: descriptor)
    } catch {
      throw SystemError(code: error.code, message: "open namespace \"\(path)\": \(error.message)", errno: error.errno)
    }
  }

  /// The namespace that the calling thread is in: the process's own, unless the caller is inside ``run(_:)``.
  ///
  /// - Throws: `systemCall` when the process has too many descriptors open.
  public static func current() throws(SystemError) -> NetworkNamespace {
    try open(path: "/proc/thread-self/ns/net")
  }

  /// Makes a namespace without a name.
  ///
  /// Loopback is down, as in every new namespace.
  ///
  /// - Throws: `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. unshare(2), `CLONE_NEWNET`.
  public static func makeAnonymous() async throws(SystemError) -> NetworkNamespace {
    try await onFreshThread(named: "netns:new") { () throws(SystemError) in
      do throws(Errno) {
        _ = try check(clinuxsystem_unshare_network())
      } catch {
        throw SystemError("make a network namespace", systemCall: "unshare", errno: error)
      }
      return try current()
    }
  }

  /// Runs `body` on a thread of its own inside the namespace, and waits for it without blocking the caller's thread.
  ///
  /// Blocking calls are fine in `body`. The thread ends afterwards: it is never handed back in another namespace.
  /// About 50 microseconds more than the work itself.
  ///
  /// - Parameter body: The work.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; `SystemError` when the thread can't start or enter.
  /// - Requires: CAP_SYS_ADMIN, unless the namespace is the caller's own. setns(2).
  public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    // The descriptor stays open: `self` is kept alive past the thread's end.
    let outcome = try await onFreshThread(named: "netns:run") {
      () throws(SystemError) -> Swift.Result<Result, any Error> in
      try self.enterCallingThread()
      return Swift.Result { try body() }
    }
    return try outcome.get()
  }

  /// Puts the calling thread into the namespace, for good.
  ///
  /// Only for threads that never go back to a pool.
  func enterCallingThread() throws(SystemError) {
    do throws(Errno) {
      _ = try check(clinuxsystem_enter_network(descriptor))
    } catch {
      throw SystemError("enter network namespace \(identity.inode)", systemCall: "setns", errno: error)
    }
  }
}

/// Runs `body` on a new thread and awaits its end.
func onFreshThread<Result: Sendable>(
  named name: String, _ body: @escaping @Sendable () throws(SystemError) -> Result
) async throws(SystemError) -> Result {
  let outcome: Swift.Result<Result, SystemError> = await withCheckedContinuation { continuation in
    do throws(SystemError) {
      try DetachedThread.start(named: name) {
        do throws(SystemError) {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    } catch {
      continuation.resume(returning: .failure(error))
    }
  }
  return try outcome.get()
}
