// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Finds the backends of a service's ports in its EndpointSlices.
struct EndpointCollector {
  let nodeName: String?
  let slices: [EndpointSlice]
  private(set) var notes: [ServiceNote] = []

  init(nodeName: String?, slices: [EndpointSlice]) {
    self.nodeName = nodeName
    self.slices = slices
    for slice in slices where slice.addressType != .ipv4 {
      note(slice, "its \(slice.addressType.rawValue) endpoints are not served yet, only IPv4 is")
    }
  }

  /// The endpoints for one port of the service.
  ///
  /// Slices are one set: an endpoint that two of them list is one backend, ready if either says so. Without any ready
  /// endpoint, those that are terminating but still serve are used (KEP-1669).
  mutating func endpoints(
    portName: String?, protocol: TransportProtocol
  ) -> (local: [ServiceBackend], remote: [ServiceBackend]) {
    var ready: [ServiceBackend: Bool] = [:]  // value: is on this node
    var draining: [ServiceBackend: Bool] = [:]
    for slice in slices where slice.addressType == .ipv4 {
      let named = slice.ports.filter { ($0.name ?? "") == (portName ?? "") && $0.protocol == `protocol` }
      for port in named {
        guard let number = port.port.flatMap({ Port(Int($0)) }) else {
          note(slice, "port \"\(port.name ?? "")\" has no number in 1...65535: its endpoints are left out")
          continue
        }
        for endpoint in slice.endpoints {
          // Addresses after the first are the same endpoint (discovery.k8s.io/v1).
          guard let text = endpoint.addresses.first else { continue }
          guard let address = IPv4Address(text) else {
            note(slice, "\"\(text)\" is not an IPv4 address: the endpoint is left out")
            continue
          }
          let backend = ServiceBackend(address: address, port: number)
          let isLocal = nodeName != nil && endpoint.nodeName == nodeName
          if endpoint.conditions.isReady {
            ready[backend] = isLocal || ready[backend] == true
          } else if endpoint.conditions.isServing, endpoint.conditions.isTerminating {
            draining[backend] = isLocal || draining[backend] == true
          }
        }
      }
    }
    var chosen = ready.isEmpty ? draining : ready
    if chosen.count > ServiceEntry.maximumBackends, let slice = slices.first {
      note(slice, "the service has \(chosen.count) endpoints: the first \(ServiceEntry.maximumBackends) are used")
      let kept = Set(chosen.keys.sorted().prefix(ServiceEntry.maximumBackends))
      chosen = chosen.filter { kept.contains($0.key) }
    }
    return (chosen.filter(\.value).keys.sorted(), chosen.filter { !$0.value }.keys.sorted())
  }

  private mutating func note(_ slice: EndpointSlice, _ message: String) {
    notes.append(
      ServiceNote(subject: "EndpointSlice \(slice.metadata.namespace)/\(slice.metadata.name)", message: message))
  }
}
