// SPDX-License-Identifier: Apache-2.0

import LinuxSystem
import NetlinkKit
import NetworkTypes

let node = try await NetworkNamespace.makeAnonymous()
let pod = try await NetworkNamespace.makeAnonymous()
let peer = VethPeer(name: "eth0", namespace: pod, isUp: true)
try await NetlinkSocket(in: node).links.add(NewLink(name: "twk0", kind: .veth(peer: peer), isUp: true))
for link in try await NetlinkSocket(in: pod).links.all() {
  print("\(link.name) is \(link.isUp ? "up" : "down"), MTU \(link.mtu)")
}
