// SPDX-License-Identifier: Apache-2.0

/// Something that a network device can do with packets so that the kernel need not (`NETIF_F_...`), by the kernel's name.
///
/// The names are those that `ethtool -k` prints for single features; `ethtool`'s short words such as `tso` stand for
/// several, which are lists here.
public struct OffloadFeature: RawRepresentable, Sendable, Hashable {
  /// The kernel's name, such as `tx-tcp-segmentation`.
  public let rawValue: String

  /// Makes a feature from the kernel's name.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Checksums of IPv4 packets that are sent.
  public static let transmitChecksumIPv4 = OffloadFeature(rawValue: "tx-checksum-ipv4")
  /// Checksums of IPv6 packets that are sent.
  public static let transmitChecksumIPv6 = OffloadFeature(rawValue: "tx-checksum-ipv6")
  /// Checksums of packets of any protocol that are sent.
  public static let transmitChecksumAny = OffloadFeature(rawValue: "tx-checksum-ip-generic")
  /// Checksums of SCTP packets that are sent.
  public static let transmitChecksumSCTP = OffloadFeature(rawValue: "tx-checksum-sctp")
  /// Checksums of FCoE packets that are sent.
  public static let transmitChecksumFCoE = OffloadFeature(rawValue: "tx-checksum-fcoe-crc")
  /// Checksums of packets that are received.
  public static let receiveChecksum = OffloadFeature(rawValue: "rx-checksum")
  /// Packets in several pieces of memory.
  public static let scatterGather = OffloadFeature(rawValue: "tx-scatter-gather")
  /// Packets in several pieces of memory, one behind the other.
  public static let scatterGatherFragmentList = OffloadFeature(rawValue: "tx-scatter-gather-fraglist")
  /// Cutting up TCP over IPv4.
  public static let tcpSegmentation = OffloadFeature(rawValue: "tx-tcp-segmentation")
  /// Cutting up TCP over IPv6.
  public static let tcp6Segmentation = OffloadFeature(rawValue: "tx-tcp6-segmentation")
  /// Cutting up TCP that tells of congestion.
  public static let tcpECNSegmentation = OffloadFeature(rawValue: "tx-tcp-ecn-segmentation")
  /// Cutting up TCP with the same identification in all packets.
  public static let tcpMangleIDSegmentation = OffloadFeature(rawValue: "tx-tcp-mangleid-segmentation")
  /// Cutting up in the kernel, just before the driver (`gso`).
  public static let genericSegmentation = OffloadFeature(rawValue: "tx-generic-segmentation")
  /// Putting together in the kernel (`gro`).
  public static let genericReceive = OffloadFeature(rawValue: "rx-gro")
  /// Putting together in the device, so that it can be cut up again.
  public static let hardwareGenericReceive = OffloadFeature(rawValue: "rx-gro-hw")
  /// Putting together in the kernel as a list (`rx-gro-list`).
  public static let receiveList = OffloadFeature(rawValue: "rx-gro-list")
  /// Putting together UDP that is forwarded.
  public static let udpReceiveForwarding = OffloadFeature(rawValue: "rx-udp-gro-forwarding")
  /// Putting together in the device (`lro`); must be off where packets are forwarded.
  public static let largeReceive = OffloadFeature(rawValue: "rx-lro")
  /// Taking VLAN tags off.
  public static let receiveVLAN = OffloadFeature(rawValue: "rx-vlan-hw-parse")
  /// Putting VLAN tags on.
  public static let transmitVLAN = OffloadFeature(rawValue: "tx-vlan-hw-insert")
  /// Dropping packets with VLAN tags that nobody wants.
  public static let receiveVLANFilter = OffloadFeature(rawValue: "rx-vlan-filter")
  /// Cutting up inside of UDP tunnels such as VXLAN.
  public static let udpTunnelSegmentation = OffloadFeature(rawValue: "tx-udp_tnl-segmentation")
  /// Cutting up inside of UDP tunnels with an outer checksum.
  public static let udpTunnelChecksumSegmentation = OffloadFeature(rawValue: "tx-udp_tnl-csum-segmentation")
  /// Cutting up inside of GRE.
  public static let greSegmentation = OffloadFeature(rawValue: "tx-gre-segmentation")
  /// Cutting up inside of GRE with a checksum.
  public static let greChecksumSegmentation = OffloadFeature(rawValue: "tx-gre-csum-segmentation")
  /// Cutting up inside of IPv4 in IP.
  public static let ipInIPSegmentation = OffloadFeature(rawValue: "tx-ipxip4-segmentation")
  /// Cutting up inside of IP in IPv6.
  public static let ipInIPv6Segmentation = OffloadFeature(rawValue: "tx-ipxip6-segmentation")
  /// Cutting up a part, and the rest in the kernel.
  public static let partialSegmentation = OffloadFeature(rawValue: "tx-gso-partial")
  /// Cutting up UDP.
  public static let udpSegmentation = OffloadFeature(rawValue: "tx-udp-segmentation")
  /// Cutting up SCTP.
  public static let sctpSegmentation = OffloadFeature(rawValue: "tx-sctp-segmentation")
  /// Cutting up packets that are lists of packets.
  public static let listSegmentation = OffloadFeature(rawValue: "tx-gso-list")
  /// A hash of each received packet.
  public static let receiveHash = OffloadFeature(rawValue: "rx-hashing")
  /// Choosing the queue by rules.
  public static let receiveFlowRules = OffloadFeature(rawValue: "rx-ntuple-filter")
  /// Traffic control in the device.
  public static let trafficControl = OffloadFeature(rawValue: "hw-tc-offload")
  /// Memory above what 32 bits reach.
  public static let highMemory = OffloadFeature(rawValue: "highdma")
  /// Echoing what is sent.
  public static let loopback = OffloadFeature(rawValue: "loopback")
}

extension OffloadFeature: ExpressibleByStringLiteral, CustomStringConvertible {
  /// Makes a feature from the kernel's name.
  public init(stringLiteral value: String) { self.init(rawValue: value) }

  /// The kernel's name.
  public var description: String { rawValue }
}

extension Sequence where Element == OffloadFeature {
  /// All that `ethtool` calls `tx` (`tx-checksumming`).
  public static var transmitChecksumming: [OffloadFeature] {
    [.transmitChecksumIPv4, .transmitChecksumAny, .transmitChecksumIPv6, .transmitChecksumFCoE, .transmitChecksumSCTP]
  }

  /// All that `ethtool` calls `tso` (`tcp-segmentation-offload`).
  public static var tcpSegmentations: [OffloadFeature] {
    [.tcpSegmentation, .tcpECNSegmentation, .tcpMangleIDSegmentation, .tcp6Segmentation]
  }
}
