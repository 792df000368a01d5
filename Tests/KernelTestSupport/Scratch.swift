// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
public import LinuxSystem
public import NetlinkKit
public import NetworkTypes
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
  try await NetlinkSocket(in: namespace).links.change(.loopback, LinkChanges(isUp: true))
  return try await body(namespace)
}

/// Lets links that are made from now on have IPv6 addresses at once, without detection of duplicates (RFC 4862).
///
/// `noDAD` does so for an address that a test adds. The link-local ones are the kernel's, and a router asks its neighbours from
/// those: without this what it forwards waits for two seconds.
///
/// - Parameter namespace: Of links that are made later.
/// - Throws: What a setting refuses.
public func skipDuplicateDetection(in namespace: NetworkNamespace) async throws {
  for path in ["all", "default"] {
    try await Sysctl.write("0", to: "net/ipv6/conf/\(path)/accept_dad", in: namespace)
  }
}

/// Returns when the kernel delivers to addresses that were added.
///
/// The route of an IPv6 address to itself is made by a work queue after the request was answered, without a flag that says
/// so, be it `noDAD`. Until then a loopback device's has the route of its prefix, which is one that rejects.
///
/// - Parameters:
///   - addresses: Of links in the socket's namespace.
///   - socket: Of the namespace.
/// - Throws: What the socket throws, and an expectation that fails after five seconds.
public func waitForDelivery(to addresses: [IPAddress], _ socket: NetlinkSocket) async throws {
  for address in addresses {
    var isLocal = false
    for _ in 0..<1000 where !isLocal {
      isLocal = try await socket.routes.route(to: address)?.type == .local
      if !isLocal { try await Task.sleep(for: .milliseconds(5)) }
    }
    try #require(isLocal, "no route of type local to \(address)")
  }
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
