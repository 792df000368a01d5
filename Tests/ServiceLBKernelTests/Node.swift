// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

/// One service port, from text.
func entry(_ service: String, _ frontends: [String], _ backends: [Endpoint]) throws -> ServiceEntry {
  ServiceEntry(
    name: ServicePortName(namespace: "default", service: service), frontends: try frontends.map(frontend),
    remoteBackends: try backends.map {
      ServiceBackend(address: $0.address, port: try #require(Port(rawValue: $0.port)))
    })
}

/// `10.96.0.1:80/TCP` as a frontend.
func frontend(_ text: String) throws -> ServiceFrontend {
  let parts = text.split(separator: "/")
  let endpoint = Endpoint(stringLiteral: String(parts[0]))
  return ServiceFrontend(
    address: endpoint.address, port: try #require(Port(rawValue: endpoint.port)),
    protocol: parts[1] == "UDP" ? .udp : .tcp)
}

/// Limits that take little memory.
let smallLimits = ServiceLimits(frontends: 64, services: 512, slots: 4096, backends: 64, datagramPeers: 1024)

/// A load balancer attached to a cgroup that this process is in, and a network namespace with loopback.
func withBalancer(
  _ body: (ServiceLoadBalancer, NetworkNamespace) async throws -> Void
) async throws {
  try await withScratchCgroup { cgroup in
    try await withScratchNamespace { namespace in
      let balancer = try ServiceLoadBalancer.load(limits: smallLimits)
      let attachments = try balancer.attach(toCgroup: cgroup)
      try await body(balancer, namespace)
      try await attachments.detach()
    }
  }
}
