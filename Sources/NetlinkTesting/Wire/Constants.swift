// SPDX-License-Identifier: Apache-2.0

/// Attributes of links (`IFLA_...`).
enum IFLA {
  static let address: UInt16 = 1
  static let broadcast: UInt16 = 2
  static let name: UInt16 = 3
  static let mtu: UInt16 = 4
  static let link: UInt16 = 5
  static let queueingDiscipline: UInt16 = 6
  static let master: UInt16 = 10
  static let transmitQueueLength: UInt16 = 13
  static let operationalState: UInt16 = 16
  static let linkMode: UInt16 = 17
  static let information: UInt16 = 18
  static let processNamespace: UInt16 = 19
  static let alias: UInt16 = 20
  static let group: UInt16 = 27
  static let namespaceDescriptor: UInt16 = 28
  static let extensionMask: UInt16 = 29
  static let parentNamespaceID: UInt16 = 37
  static let targetNamespaceID: UInt16 = 46
  static let newIndex: UInt16 = 49
  static let minimumMTU: UInt16 = 50
  static let maximumMTU: UInt16 = 51
  static let properties: UInt16 = 52
  static let alternativeName: UInt16 = 53
  /// Within ``information``.
  static let informationKind: UInt16 = 1
  /// Within ``information``.
  static let informationData: UInt16 = 2
  /// Within a veth's data (`VETH_INFO_PEER`).
  static let vethPeer: UInt16 = 1
}

/// Flags of links (`IFF_...`).
enum IFF {
  static let up: UInt32 = 0x1
  static let broadcast: UInt32 = 0x2
  static let loopback: UInt32 = 0x8
  static let running: UInt32 = 0x40
  static let multicast: UInt32 = 0x1000
  static let lowerUp: UInt32 = 0x10000
  /// What a request may change: up, debug, notrailers, noarp, promisc, allmulti, portsel, automedia, multicast, dynamic.
  static let changeable: UInt32 = 0xf3a5
}

/// Attributes of addresses (`IFA_...`).
enum IFA {
  static let address: UInt16 = 1
  static let local: UInt16 = 2
  static let label: UInt16 = 3
  static let cacheInfo: UInt16 = 6
  static let flags: UInt16 = 8
}

/// Attributes of routes (`RTA_...`).
enum RTA {
  static let destination: UInt16 = 1
  static let outputInterface: UInt16 = 4
  static let gateway: UInt16 = 5
  static let priority: UInt16 = 6
  static let preferredSource: UInt16 = 7
  static let multipath: UInt16 = 9
  static let table: UInt16 = 15
  static let via: UInt16 = 18
  static let nextHopID: UInt16 = 30
}

/// Attributes of rules (`FRA_...`).
enum FRA {
  static let destination: UInt16 = 1
  static let source: UInt16 = 2
  static let inputInterface: UInt16 = 3
  static let priority: UInt16 = 6
  static let mark: UInt16 = 10
  static let suppressedPrefixLength: UInt16 = 14
  static let table: UInt16 = 15
  static let markMask: UInt16 = 16
  static let outputInterface: UInt16 = 17
  static let protocolNumber: UInt16 = 21
}

/// Attributes of neighbours (`NDA_...`).
enum NDA {
  static let destination: UInt16 = 1
  static let linkLayerAddress: UInt16 = 2
  static let index: UInt16 = 8
}

/// Attributes of queueing disciplines and filters (`TCA_...`).
enum TCA {
  static let kind: UInt16 = 1
  static let options: UInt16 = 2
  /// Within the options of a BPF filter.
  static let bpfDescriptor: UInt16 = 6
  /// Within the options of a BPF filter.
  static let bpfTag: UInt16 = 10
  /// Within the options of a BPF filter.
  static let bpfID: UInt16 = 11
  /// `TC_H_CLSACT`, where clsact and ingress hang.
  static let clsactParent: UInt32 = 0xffff_fff1
  static let rootParent: UInt32 = 0xffff_ffff
}

/// Address families.
enum Family {
  static let unspecified: UInt8 = 0
  static let ipv4: UInt8 = 2
  static let ipv6: UInt8 = 10
}
