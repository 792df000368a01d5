// SPDX-License-Identifier: Apache-2.0

import KubernetesModel

/// What Kubernetes' endpoint slice controller does, as far as the demo needs it.
enum EndpointSlices {
  /// The pods that a service selects, with the ports that its target ports stand for.
  static func slice(of service: Service, pods: some Sequence<Pod>) -> EndpointSlice {
    let selected = pods.filter { pod in
      pod.metadata.namespace == service.metadata.namespace && !service.spec.selector.isEmpty
        && service.spec.selector.allSatisfy { pod.metadata.labels[$0.key] == $0.value }
    }
    return EndpointSlice(
      metadata: ObjectMeta(
        name: "\(service.metadata.name)-demo", namespace: service.metadata.namespace,
        labels: [EndpointSlice.serviceNameLabel: service.metadata.name]),
      endpoints: selected.sorted { $0.key < $1.key }.map {
        .init(
          addresses: $0.status.podIPs, conditions: .init(ready: true), nodeName: $0.spec.nodeName, targetRef: $0.key)
      },
      ports: service.spec.ports.map { .init(name: $0.name, protocol: $0.protocol, port: number(of: $0)) })
  }

  /// The demo's services name their target ports by number.
  private static func number(of port: Service.Port) -> Int32 {
    if case .int(let number) = port.targetPort { return Int32(number) }
    return port.port
  }
}
