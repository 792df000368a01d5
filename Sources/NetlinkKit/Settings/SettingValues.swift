// SPDX-License-Identifier: Apache-2.0

/// Whether a packet is dropped because its source address lies elsewhere (`rp_filter`, RFC 3704).
public struct ReversePathFilter: NumberedSettingValue {
  /// The kernel's number.
  public let rawValue: Int32

  /// Makes a value from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Never.
  public static let off = ReversePathFilter(rawValue: 0)
  /// When an answer would not leave through the link it came in by.
  public static let strict = ReversePathFilter(rawValue: 1)
  /// When there is no route to the source at all.
  public static let loose = ReversePathFilter(rawValue: 2)
}

/// Which ARP requests are not answered (`arp_ignore`).
public struct ARPIgnore: NumberedSettingValue {
  /// The kernel's number.
  public let rawValue: Int32

  /// Makes a value from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// None: every address of this machine is answered for on every link.
  public static let none = ARPIgnore(rawValue: 0)
  /// Those for addresses of other links.
  public static let otherLinks = ARPIgnore(rawValue: 1)
  /// Those for addresses of other links, and from senders outside of the address's network.
  public static let otherLinksAndNetworks = ARPIgnore(rawValue: 2)
  /// Those for addresses that are valid on this machine alone.
  public static let hostScope = ARPIgnore(rawValue: 3)
  /// All.
  public static let all = ARPIgnore(rawValue: 8)
}

/// Which own address ARP requests name as the sender (`arp_announce`).
public struct ARPAnnounce: NumberedSettingValue {
  /// The kernel's number.
  public let rawValue: Int32

  /// Makes a value from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Any.
  public static let any = ARPAnnounce(rawValue: 0)
  /// One in the target's network, where there is one.
  public static let preferTargetNetwork = ARPAnnounce(rawValue: 1)
  /// The best for the target, never the packet's own.
  public static let best = ARPAnnounce(rawValue: 2)
}

/// Whether router advertisements are believed (`accept_ra`).
public struct RouterAdvertisements: NumberedSettingValue {
  /// The kernel's number.
  public let rawValue: Int32

  /// Makes a value from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Never.
  public static let never = RouterAdvertisements(rawValue: 0)
  /// Where packets are not forwarded.
  public static let unlessForwarding = RouterAdvertisements(rawValue: 1)
  /// Always.
  public static let always = RouterAdvertisements(rawValue: 2)
}

/// Whether addresses are tried out before they are used (`accept_dad`).
public struct DuplicateAddressDetection: NumberedSettingValue {
  /// The kernel's number.
  public let rawValue: Int32

  /// Makes a value from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// No.
  public static let off = DuplicateAddressDetection(rawValue: 0)
  /// Yes.
  public static let on = DuplicateAddressDetection(rawValue: 1)
  /// Yes, and IPv6 is switched off on the link when its link-local address is taken.
  public static let onOrDisable = DuplicateAddressDetection(rawValue: 2)
}

/// Whether IPv6 addresses stay when the link goes down (`keep_addr_on_down`).
public struct AddressKeeping: NumberedSettingValue {
  /// The kernel's number.
  public let rawValue: Int32

  /// Makes a value from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// No, whatever ``LinkSettingScope/all`` says.
  public static let never = AddressKeeping(rawValue: -1)
  /// As ``LinkSettingScope/all`` says; there, no.
  public static let systemDefault = AddressKeeping(rawValue: 0)
  /// Yes.
  public static let always = AddressKeeping(rawValue: 1)
}

/// What the choice among several next hops depends on (`fib_multipath_hash_policy`).
public struct MultipathHashPolicy: NumberedSettingValue {
  /// The kernel's number.
  public let rawValue: Int32

  /// Makes a value from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Addresses.
  public static let addresses = MultipathHashPolicy(rawValue: 0)
  /// Addresses, ports and protocol.
  public static let connection = MultipathHashPolicy(rawValue: 1)
  /// Addresses; inside of a tunnel those of the inner packet.
  public static let innerAddresses = MultipathHashPolicy(rawValue: 2)
  /// What `fib_multipath_hash_fields` says.
  public static let custom = MultipathHashPolicy(rawValue: 3)
}

extension IPv6AddressGeneration: SettingValue {
  /// Reads a decimal number.
  public init?(settingText: String) {
    guard let number = UInt8(settingText) else { return nil }
    self.init(rawValue: number)
  }

  /// The number in decimal digits.
  public var settingText: String { "\(rawValue)" }
}
