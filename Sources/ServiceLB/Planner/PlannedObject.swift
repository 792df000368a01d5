// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// What one object (a Service, or a pod with host ports) wants served, before other objects' claims are looked at.
struct PlannedObject: Sendable {
  var entries: [ServiceEntry] = []
  var healthCheck: ServiceHealthCheck?
  var notes: [ServiceNote] = []
}

extension ServiceEntry {
  /// An entry with nothing in it.
  init(planned name: ServicePortName, family: AddressFamily) {
    self.name = name
    self.family = family
    frontends = []
    backends = []
    cluster = []
    local = []
  }
}

extension AddressFamily {
  var name: String { self == .ipv4 ? "IPv4" : "IPv6" }
}
