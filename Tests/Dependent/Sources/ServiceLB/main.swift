// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import ServiceLB

let service = Service(
  metadata: ObjectMeta(name: "web", namespace: "shop"),
  spec: .init(clusterIPs: ["172.20.0.10"], ports: [.init(port: 80)]))
let slice = EndpointSlice(
  metadata: ObjectMeta(name: "web-1", namespace: "shop", labels: [EndpointSlice.serviceNameLabel: "web"]),
  endpoints: [.init(addresses: ["10.0.1.3"])], ports: [.init(port: 8080)])
let table = ServicePlanner().plan(services: [service], endpointSlices: [slice])
print("ServiceLB:", table.entries.count, "service port with", table.entries.map(\.backends.count), "backends")
