// SPDX-License-Identifier: Apache-2.0

import IPVLANDatapath
import NetworkTypes
import Testing

/// Values that the tests wire.
enum Sample {
  static func node() -> NodeConfiguration { NodeConfiguration(address: IPv4Address(10, 8, 0, 1)) }

  static func eni() throws -> ENIAttachment {
    ENIAttachment(
      link: "eth1", index: try #require(InterfaceIndex(rawValue: 7)),
      mac: try #require(MACAddress("00:16:3e:00:00:01")),
      address: IPv4Address(10, 8, 0, 10), gateway: IPv4Address(10, 8, 0, 253), prefixLength: 24, number: 1)
  }

  static func pod(endpoint: UInt32? = 17) throws -> PodAttachment {
    PodAttachment(
      pod: try #require(PodIdentity(namespace: "default", name: "web-0")), address: IPv4Address(10, 8, 0, 11),
      endpoint: endpoint)
  }
}
