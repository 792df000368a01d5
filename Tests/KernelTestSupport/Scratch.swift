// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
public import LinuxSystem
internal import SystemPackage
internal import Testing

/// Runs `body` with an anonymous network namespace whose loopback is up.
///
/// It is gone when the last handle is.
///
/// - Parameter body: The test.
/// - Returns: What `body` returns.
/// - Throws: What `body` throws.
public func withScratchNamespace<Result>(_ body: (NetworkNamespace) async throws -> Result) async throws -> Result {
  let namespace = try await NetworkNamespace.makeAnonymous()
  try await namespace.run { try bringLoopbackUp() }
  return try await body(namespace)
}

/// Sets the flags of `lo` in the calling thread's namespace.
///
/// A child process would do as well, but Foundation's `Process` waits on a run loop, which hangs on a thread of a
/// namespace whose loopback is down.
private func bringLoopbackUp() throws {
  let control = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  if control < 0 { throw Errno(rawValue: errno) }
  defer { close(control) }
  // struct ifreq: the name in 16 bytes, then the flags. 0x8914 is SIOCSIFFLAGS.
  var request = [UInt8](repeating: 0, count: 40)
  request.replaceSubrange(0..<2, with: Array("lo".utf8))
  request[16] = UInt8(IFF_UP)
  if unsafe ioctl(control, 0x8914, &request) < 0 { throw Errno(rawValue: errno) }
}

/// Fails the test when `body` leaves more descriptors open than it found, and says what they are.
///
/// - Parameter body: The work; done once unmeasured first, so that lazily opened descriptors do not count.
/// - Throws: What `body` throws.
public func expectNoDescriptorLeak(_ body: () async throws -> Void) async throws {
  try await body()
  let before = openDescriptors()
  try await body()
  // Threads that hold a descriptor end a moment after they answered.
  for _ in 0..<50 where openDescriptors().count > before.count { usleep(20_000) }
  let leaked = openDescriptors().filter { before[$0.key] == nil }
  #expect(openDescriptors().count <= before.count, "leaked: \(leaked)")
}

/// The process's open descriptors and what they are.
private func openDescriptors() -> [Int: String] {
  var result: [Int: String] = [:]
  for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
    guard let number = Int(name),
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
    else { continue }
    result[number] = target
  }
  return result
}
