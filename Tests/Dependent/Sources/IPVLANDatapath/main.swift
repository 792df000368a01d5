// SPDX-License-Identifier: Apache-2.0

import IPVLANDatapath
import NetworkTypes

guard let pod = PodIdentity(namespace: "shop", name: "web"), let index = InterfaceIndex(rawValue: 7),
  let mac = MACAddress("02:00:00:00:00:07")
else { preconditionFailure("valid by themselves") }
let plan = try PodWiringPlan(
  mode: .ipvlan, node: NodeConfiguration(address: IPv4Address(10, 0, 0, 1)),
  eni: ENIAttachment(
    link: "eth1", index: index, mac: mac, address: IPv4Address(10, 0, 1, 2), gateway: IPv4Address(10, 0, 1, 253),
    prefixLength: 24, number: 1),
  pod: PodAttachment(pod: pod, address: IPv4Address(10, 0, 1, 3), endpoint: nil))
print("IPVLANDatapath: planned", plan.steps.count, "steps")
