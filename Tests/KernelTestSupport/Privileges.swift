// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import LinuxSystem

/// Runs `body` on a thread of its own, in `namespace`, that gave up every capability: what an ordinary user meets.
///
/// The thread ends with `body`. Threads that it starts have no capabilities either; the rest of the process keeps its own.
///
/// - Parameters:
///   - namespace: Where the thread is; entered before the capabilities go.
///   - body: The work. Actors that it calls run on the same thread, unless they have executors of their own.
/// - Returns: What `body` returns.
/// - Throws: What `body` throws; `CapabilityFailure` when the capabilities cannot be given up.
public func withoutCapabilities<Result: Sendable>(
  in namespace: NetworkNamespace, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  let executor = try await NamespaceExecutor(in: namespace)
  return try await Task(executorPreference: executor) {
    try dropCapabilities()
    return try await body()
  }.value
}

/// capset(2) refused.
public struct CapabilityFailure: Error {
  /// The error number.
  public let errno: Int32
}

/// Empties the calling thread's capability sets.
///
/// The C library exports capset(2) without declaring it.
private func dropCapabilities() throws(CapabilityFailure) {
  typealias Call = @convention(c) (UnsafeMutablePointer<UInt32>?, UnsafePointer<UInt32>?) -> CInt
  guard let symbol = unsafe dlsym(nil, "capset") else { throw CapabilityFailure(errno: ENOSYS) }
  let capset = unsafe unsafeBitCast(symbol, to: Call.self)
  // _LINUX_CAPABILITY_VERSION_3, this thread; then effective, permitted and inheritable, twice 32 bits each.
  var header: [UInt32] = [0x2008_0522, 0]
  let none = [UInt32](repeating: 0, count: 6)
  guard unsafe capset(&header, none) == 0 else { throw CapabilityFailure(errno: Glibc.errno) }
}
