// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

extension ServicePlan {
  /// What has to be planned again.
  struct Changes {
    /// Whether nothing was planned before, so that no difference is of interest.
    var isComplete = false
    var owners: Set<FrontendClaims.Owner> = []
    var nodeAddressesChanged = false
  }

  mutating func take(_ service: Service, _ changes: inout Changes) {
    let key = service.metadata.key
    if let old = services.updateValue(service, forKey: key) {
      if old == service { return }
      forgetRedirect(of: old)
    }
    if let target = ServiceAnnotation.redirectTarget(of: service) { redirected[target, default: []].insert(key) }
    changes.owners.insert(.service(key))
  }

  mutating func removeService(_ key: NamespacedName, _ changes: inout Changes) {
    guard let old = services.removeValue(forKey: key) else { return }
    forgetRedirect(of: old)
    changes.owners.insert(.service(key))
  }

  private mutating func forgetRedirect(of service: Service) {
    guard let target = ServiceAnnotation.redirectTarget(of: service) else { return }
    redirected[target]?.remove(service.metadata.key)
    if redirected[target]?.isEmpty == true { redirected[target] = nil }
  }

  mutating func take(_ slice: EndpointSlice, _ changes: inout Changes) {
    let key = slice.metadata.key
    guard ServiceAnnotation.isOurs(slice.metadata), let service = slice.serviceKey else {
      removeSlice(key, &changes)
      return
    }
    if let old = sliceService.updateValue(service, forKey: key), old != service {
      removeSlice(key, of: old, &changes)
    }
    let record = SliceRecord(name: key.name, slice: slice)
    if let index = slices[service]?.firstIndex(where: { $0.name == key.name }) {
      if slices[service]?[index].slice == slice { return }
      slices[service]?[index] = record
    } else {
      slices[service, default: []].append(record)
    }
    slicesChanged(of: service, &changes)
  }

  mutating func removeSlice(_ key: NamespacedName, _ changes: inout Changes) {
    guard let service = sliceService.removeValue(forKey: key) else { return }
    removeSlice(key, of: service, &changes)
  }

  private mutating func removeSlice(_ key: NamespacedName, of service: NamespacedName, _ changes: inout Changes) {
    slices[service]?.removeAll { $0.name == key.name }
    if slices[service]?.isEmpty == true { slices[service] = nil }
    slicesChanged(of: service, &changes)
  }

  private func slicesChanged(of service: NamespacedName, _ changes: inout Changes) {
    if services[service] != nil { changes.owners.insert(.service(service)) }
    if !redirected.isEmpty, let others = redirected[service] {
      for other in others { changes.owners.insert(.service(other)) }
    }
  }

  mutating func take(_ pod: Pod, _ changes: inout Changes) {
    let key = pod.metadata.key
    guard planner.options.servesHostPorts, HostPortPlanning.concerns(pod, node: view) else {
      removePod(key, &changes)
      return
    }
    if pods.updateValue(pod, forKey: key) != pod { changes.owners.insert(.pod(key)) }
  }

  mutating func removePod(_ key: NamespacedName, _ changes: inout Changes) {
    if pods.removeValue(forKey: key) != nil { changes.owners.insert(.pod(key)) }
  }

  /// Takes this node's object, or that it is gone.
  mutating func take(_ node: Node?, _ changes: inout Changes) {
    ownNode = node
    let old = view
    view = NodeView(planner, node: node)
    if view == old { return }
    if view.nodePortAddresses != old.nodePortAddresses { changes.nodeAddressesChanged = true }
    if view.zone != old.zone {
      for service in slices.keys {
        for index in slices[service, default: []].indices { slices[service]?[index].parsed = nil }
      }
    }
    if view.zone != old.zone || planner.options.externalIPs == .servedOutside {
      for service in services.keys { changes.owners.insert(.service(service)) }
    }
    if view.addresses != old.addresses {
      for pod in pods.keys { changes.owners.insert(.pod(pod)) }
    }
  }
}
