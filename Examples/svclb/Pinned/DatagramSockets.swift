// SPDX-License-Identifier: Apache-2.0

import LinuxSystem
import ServiceLB
import SystemPackage

extension PinnedBalancer {
  /// Ends connected UDP sockets whose endpoint is gone, wherever processes are: nothing else would tell their owners.
  ///
  /// What is served is right already, so that a failure is only said.
  func endStaleDatagramSockets() async {
    do {
      try await balancer.endStaleDatagramSockets(in: Self.networkNamespaces())
    } catch {
      warn("connected UDP sockets may go on sending to endpoints that are gone: \(error)")
    }
  }

  /// The network namespaces of all processes, and those that have names.
  private static func networkNamespaces() throws -> [NetworkNamespace] {
    var found: [NamespaceIdentity: NetworkNamespace] = [:]
    func add(_ namespace: NetworkNamespace?) { if let namespace { found[namespace.identity] = namespace } }
    add(try .current())
    // A process may have ended meanwhile, and a name be one that is being made.
    for name in try FileSystem.entries(of: "/proc") where Int(name) != nil {
      add(try? .open(path: FilePath("/proc/\(name)/ns/net")))
    }
    for name in try NetworkNamespace.names() { add(try? .open(named: name)) }
    return Array(found.values)
  }
}
