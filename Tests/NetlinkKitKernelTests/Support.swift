// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// The scratch namespace that a test is in, for commands that check what the module did.
enum Scratch {
  @TaskLocal static var namespace: NetworkNamespace?
}

/// Runs `body` in a scratch namespace with a veth pair, `v0` (handed over) and `v1`, both up.
func withVeth(_ body: (NetlinkSocket, Link) async throws -> Void) async throws {
  try await withScratchNamespace { namespace in
    try await Scratch.$namespace.withValue(namespace) {
      let socket = try await NetlinkSocket(in: namespace)
      let link = try await socket.links.add(
        NewLink(name: "v0", kind: .veth(peer: VethPeer(name: "v1", isUp: true)), isUp: true))
      try await body(socket, link)
    }
  }
}

/// A command that failed.
struct CommandFailure: Error {
  let command: String
}

/// Runs a command in the test's scratch namespace and returns what it printed.
///
/// It is a child of `popen`, on a thread that is in the namespace, so it is in it too.
@discardableResult
func inNamespaceOf(_ socket: NetlinkSocket, _ words: String...) async throws -> String {
  let namespace = try #require(Scratch.namespace)
  let command = words.joined(separator: " ")
  return try await namespace.run {
    guard let pipe = unsafe popen(command, "re") else { throw CommandFailure(command: command) }
    var output: [UInt8] = []
    while case let byte = unsafe fgetc(pipe), byte != EOF { output.append(UInt8(truncatingIfNeeded: byte)) }
    guard unsafe pclose(pipe) == 0 else { throw CommandFailure(command: command) }
    return String(decoding: output, as: UTF8.self)
  }
}

/// Runs a command of iproute2 that prints JSON and returns its rows.
func rows(_ socket: NetlinkSocket, _ words: String...) async throws -> [[String: Any]] {
  let text = try await inNamespaceOf(socket, words.joined(separator: " "))
  let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8))
  return try #require(parsed as? [[String: Any]])
}
