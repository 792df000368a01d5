// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ServiceLB
import Testing

/// Values for tests of map plans.
enum MapFixtures {
  /// `10.96.0.1:80/TCP` as a frontend.
  static func frontend(_ text: String, _ kind: ServiceFrontend.Kind = .clusterIP) throws -> ServiceFrontend {
    let parts = text.split(separator: "/")
    let key = try key(parts[0])
    return ServiceFrontend(
      kind, address: key.address, port: key.port, protocol: parts.last == "UDP" ? .udp : .tcp)
  }

  /// `10.0.0.1:80`, `[fd00::1]:80`.
  static func key(_ text: some StringProtocol) throws -> ServiceBackend.Key {
    let colon = try #require(text.lastIndex(of: ":"))
    let address = text[..<colon].trimmingPrefix("[").split(separator: "]").first ?? ""
    return ServiceBackend.Key(
      address: try #require(IPAddress(address)),
      port: try #require(Int(text[text.index(after: colon)...]).flatMap { Port($0) }))
  }

  /// A backend; `local` after the address says that it is on this node.
  static func backend(_ text: String) throws -> ServiceBackend {
    let parts = text.split(separator: " ")
    let key = try key(parts[0])
    return ServiceBackend(
      address: key.address, port: key.port, isLocal: parts.contains("local"),
      isTerminating: parts.contains("terminating"))
  }

  static func entry(
    _ name: String, _ frontends: [String], _ backends: [String], _ change: (inout ServiceEntry) -> Void = { _ in }
  ) throws -> ServiceEntry {
    var entry = ServiceEntry(
      name: ServicePortName(namespace: "default", service: name),
      frontends: try frontends.map { try frontend($0) }, backends: try backends.map { try backend($0) })
    change(&entry)
    return entry
  }
}
