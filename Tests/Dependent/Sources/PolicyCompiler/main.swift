// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

let web = PolicyPod(
  key: NamespacedName(namespace: "shop", name: "web"), labels: ["app": "web"],
  addresses: [.v4(IPv4Address(10, 0, 1, 3))])
let policy = CompiledPolicy(PolicyInput(pods: [web], namespaces: ["shop": [:]]))
print("PolicyCompiler:", policy.tables.endpoints.count, "pod")
