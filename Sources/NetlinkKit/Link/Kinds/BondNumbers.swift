// SPDX-License-Identifier: Apache-2.0

/// How the ports of a bond share the work (`BOND_MODE_...`).
public struct BondMode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Each packet by the next port.
  public static let roundRobin = BondMode(rawValue: 0)
  /// One works, the others are in reserve.
  public static let activeBackup = BondMode(rawValue: 1)
  /// Each flow by one port.
  public static let xor = BondMode(rawValue: 2)
  /// Each packet by every port.
  public static let broadcast = BondMode(rawValue: 3)
  /// Each flow by one port, as agreed with the switch (LACP).
  public static let lacp = BondMode(rawValue: 4)
  /// What is sent goes by the least busy port.
  public static let transmitBalance = BondMode(rawValue: 5)
  /// The same, and what is received comes by different ports.
  public static let balance = BondMode(rawValue: 6)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "balance-rr"
    case 1: "active-backup"
    case 2: "balance-xor"
    case 3: "broadcast"
    case 4: "802.3ad"
    case 5: "balance-tlb"
    case 6: "balance-alb"
    default: "\(rawValue)"
    }
  }
}

/// What decides which port of a bond a packet leaves by (`BOND_XMIT_POLICY_...`).
public struct BondTransmitHash: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Link-layer addresses.
  public static let layer2 = BondTransmitHash(rawValue: 0)
  /// Addresses and ports.
  public static let layer34 = BondTransmitHash(rawValue: 1)
  /// Link-layer addresses and addresses.
  public static let layer23 = BondTransmitHash(rawValue: 2)
  /// The same of the packet inside a tunnel.
  public static let encapsulated23 = BondTransmitHash(rawValue: 3)
  /// Addresses and ports of the packet inside a tunnel.
  public static let encapsulated34 = BondTransmitHash(rawValue: 4)
  /// The sender's link-layer address and the VLAN.
  public static let sourceAndVLAN = BondTransmitHash(rawValue: 5)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "layer2"
    case 1: "layer3+4"
    case 2: "layer2+3"
    case 3: "encap2+3"
    case 4: "encap3+4"
    case 5: "vlan+srcmac"
    default: "\(rawValue)"
    }
  }
}

/// Which ports' answers to ARP a bond looks at closely, and which others it ignores (`BOND_ARP_VALIDATE_...`, `BOND_ARP_FILTER_...`).
public struct BondARPValidation: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// None.
  public static let off = BondARPValidation(rawValue: 0)
  /// The active port's.
  public static let active = BondARPValidation(rawValue: 1)
  /// The others'.
  public static let backup = BondARPValidation(rawValue: 2)
  /// All.
  public static let all = BondARPValidation(rawValue: 3)
  /// None; but nothing else than ARP counts as an answer.
  public static let filter = BondARPValidation(rawValue: 4)
  /// The active port's, and nothing but ARP counts.
  public static let filterActive = BondARPValidation(rawValue: 5)
  /// The others', and nothing but ARP counts.
  public static let filterBackup = BondARPValidation(rawValue: 6)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "none"
    case 1: "active"
    case 2: "backup"
    case 3: "all"
    case 4: "filter"
    case 5: "filter_active"
    case 6: "filter_backup"
    default: "\(rawValue)"
    }
  }
}

/// When the primary port of a bond takes over again (`BOND_PRI_RESELECT_...`).
public struct BondPrimaryReselection: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// As soon as it can.
  public static let always = BondPrimaryReselection(rawValue: 0)
  /// When it is the faster one.
  public static let better = BondPrimaryReselection(rawValue: 1)
  /// When the active port fails.
  public static let failure = BondPrimaryReselection(rawValue: 2)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "always"
    case 1: "better"
    case 2: "failure"
    default: "\(rawValue)"
    }
  }
}

/// Whose link-layer address a bond has (`BOND_FOM_...`).
public struct BondFailOverAddress: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// One address, the same for all ports.
  public static let fixed = BondFailOverAddress(rawValue: 0)
  /// The active port's.
  public static let active = BondFailOverAddress(rawValue: 1)
  /// One address, which the active port alone carries.
  public static let follow = BondFailOverAddress(rawValue: 2)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "none"
    case 1: "active"
    case 2: "follow"
    default: "\(rawValue)"
    }
  }
}

/// How often the partner of a bond is to say that it is there (`AD_LACP_...`).
public struct BondLACPRate: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Every 30 seconds.
  public static let slow = BondLACPRate(rawValue: 0)
  /// Every second.
  public static let fast = BondLACPRate(rawValue: 1)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "slow"
    case 1: "fast"
    default: "\(rawValue)"
    }
  }
}

/// Which aggregate of ports a bond uses (`BOND_AD_...`).
public struct BondAggregatorSelection: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The same until its last port is gone.
  public static let stable = BondAggregatorSelection(rawValue: 0)
  /// The one with the greatest bandwidth.
  public static let bandwidth = BondAggregatorSelection(rawValue: 1)
  /// The one with the most ports.
  public static let count = BondAggregatorSelection(rawValue: 2)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "stable"
    case 1: "bandwidth"
    case 2: "count"
    default: "\(rawValue)"
    }
  }
}

/// What a bond makes of a port's carrier (`BOND_LINK_...`).
public struct BondPortCarrier: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// It is there.
  public static let up = BondPortCarrier(rawValue: 0)
  /// It went a moment ago.
  public static let going = BondPortCarrier(rawValue: 1)
  /// It is away.
  public static let down = BondPortCarrier(rawValue: 2)
  /// It came a moment ago.
  public static let coming = BondPortCarrier(rawValue: 3)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "UP"
    case 1: "GOING_DOWN"
    case 2: "DOWN"
    case 3: "GOING_BACK"
    default: "\(rawValue)"
    }
  }
}
