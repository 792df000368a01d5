// SPDX-License-Identifier: Apache-2.0

/// A setting that a network namespace has once, below `/proc/sys/net`.
///
/// Those that only the first namespace of the machine has, such as `net/core/bpf_jit_enable`, are absent in others.
/// Settings of your own are made with ``init(_:)``.
public struct NamespaceSetting<Value: SettingValue>: Sendable, Hashable {
  /// The file, relative to `/proc/sys`, such as `net/ipv4/ip_forward`.
  public let path: String

  /// Describes a setting.
  ///
  /// - Parameter path: the file, relative to `/proc/sys`.
  public init(_ path: String) { self.path = path }
}

extension NamespaceSetting where Value == Bool {
  /// Whether IPv4 packets are forwarded (`net.ipv4.ip_forward`).
  ///
  /// A change writes ``LinkSetting/ipv4Forwarding`` of all links, sets ``LinkSetting/acceptRedirects`` of
  /// ``LinkSettingScope/all`` to the opposite, and switches large receive offload off. IPv6 has ``LinkSetting/ipv6Forwarding`` of ``LinkSettingScope/all``.
  public static var ipForward: Self { Self("net/ipv4/ip_forward") }
  /// Whether IPv4 sockets may be bound to addresses of others (`net.ipv4.ip_nonlocal_bind`).
  public static var ipv4NonlocalBind: Self { Self("net/ipv4/ip_nonlocal_bind") }
  /// Whether IPv6 sockets may be bound to addresses of others (`net.ipv6.ip_nonlocal_bind`).
  public static var ipv6NonlocalBind: Self { Self("net/ipv6/ip_nonlocal_bind") }
  /// Whether IPv6 sockets speak no IPv4 unless they say otherwise (`net.ipv6.bindv6only`).
  public static var bindIPv6Only: Self { Self("net/ipv6/bindv6only") }
  /// Whether a TCP listener outside of any VRF takes connections from all (`net.ipv4.tcp_l3mdev_accept`).
  public static var tcpAcceptsFromVRFs: Self { Self("net/ipv4/tcp_l3mdev_accept") }
  /// Whether a UDP socket outside of any VRF gets packets from all (`net.ipv4.udp_l3mdev_accept`).
  public static var udpAcceptsFromVRFs: Self { Self("net/ipv4/udp_l3mdev_accept") }
  /// Whether a raw socket outside of any VRF gets packets from all (`net.ipv4.raw_l3mdev_accept`).
  public static var rawAcceptsFromVRFs: Self { Self("net/ipv4/raw_l3mdev_accept") }
  /// Whether an accepted TCP connection gets the mark of the packet that opened it (`net.ipv4.tcp_fwmark_accept`).
  public static var tcpAcceptsMark: Self { Self("net/ipv4/tcp_fwmark_accept") }
  /// Whether the kernel's own IPv4 answers get the mark of what they answer (`net.ipv4.fwmark_reflect`).
  public static var ipv4ReflectsMark: Self { Self("net/ipv4/fwmark_reflect") }
  /// Whether the kernel's own IPv6 answers get the mark of what they answer (`net.ipv6.fwmark_reflect`).
  public static var ipv6ReflectsMark: Self { Self("net/ipv6/fwmark_reflect") }
  /// Whether next hops without a neighbour are left out (`net.ipv4.fib_multipath_use_neigh`).
  public static var multipathNeedsNeighbour: Self { Self("net/ipv4/fib_multipath_use_neigh") }
  /// Whether the socket of a received packet is looked for before its route (`net.ipv4.ip_early_demux`).
  public static var ipEarlyDemux: Self { Self("net/ipv4/ip_early_demux") }
  /// The same for TCP (`net.ipv4.tcp_early_demux`).
  public static var tcpEarlyDemux: Self { Self("net/ipv4/tcp_early_demux") }
  /// The same for UDP (`net.ipv4.udp_early_demux`).
  public static var udpEarlyDemux: Self { Self("net/ipv4/udp_early_demux") }
  /// Whether connection tracking accepts packets whose place in a TCP connection is unexpected
  /// (`net.netfilter.nf_conntrack_tcp_be_liberal`).
  public static var conntrackIsLiberal: Self { Self("net/netfilter/nf_conntrack_tcp_be_liberal") }
}

extension NamespaceSetting where Value == UInt32 {
  /// The first port that anybody may use, 0...65536 (`net.ipv4.ip_unprivileged_port_start`).
  public static var unprivilegedPortStart: Self { Self("net/ipv4/ip_unprivileged_port_start") }
  /// How far IPv4 packets go, 1...255 (`net.ipv4.ip_default_ttl`).
  public static var defaultTTL: Self { Self("net/ipv4/ip_default_ttl") }
  /// How many connections may wait for a listener (`net.core.somaxconn`).
  public static var maximumListenBacklog: Self { Self("net/core/somaxconn") }
  /// How many connections are tracked at most (`net.netfilter.nf_conntrack_max`).
  ///
  /// Only the first namespace of the machine can write it. Absent without the module `nf_conntrack`.
  public static var conntrackMaximum: Self { Self("net/netfilter/nf_conntrack_max") }
  /// How many connections are tracked now (`net.netfilter.nf_conntrack_count`); cannot be written.
  public static var conntrackCount: Self { Self("net/netfilter/nf_conntrack_count") }
  /// After how many seconds of silence TCP asks whether the peer is there (`net.ipv4.tcp_keepalive_time`).
  public static var tcpKeepAliveTime: Self { Self("net/ipv4/tcp_keepalive_time") }
  /// How many seconds TCP waits before it asks again (`net.ipv4.tcp_keepalive_intvl`).
  public static var tcpKeepAliveInterval: Self { Self("net/ipv4/tcp_keepalive_intvl") }
  /// How often TCP asks before it gives up (`net.ipv4.tcp_keepalive_probes`).
  public static var tcpKeepAliveProbes: Self { Self("net/ipv4/tcp_keepalive_probes") }
  /// Whether TCP finds out what the path carries: 0 no, 1 when it seems to lose packets, 2 always
  /// (`net.ipv4.tcp_mtu_probing`).
  public static var tcpMTUProbing: Self { Self("net/ipv4/tcp_mtu_probing") }
}

extension NamespaceSetting where Value == ClosedRange<UInt16> {
  /// The ports that sockets get which do not choose one (`net.ipv4.ip_local_port_range`).
  public static var localPorts: Self { Self("net/ipv4/ip_local_port_range") }
}

extension NamespaceSetting where Value == MultipathHashPolicy {
  /// What the choice among several IPv4 next hops depends on (`net.ipv4.fib_multipath_hash_policy`).
  public static var ipv4MultipathHashPolicy: Self { Self("net/ipv4/fib_multipath_hash_policy") }
  /// What the choice among several IPv6 next hops depends on (`net.ipv6.fib_multipath_hash_policy`).
  public static var ipv6MultipathHashPolicy: Self { Self("net/ipv6/fib_multipath_hash_policy") }
}
