// SPDX-License-Identifier: Apache-2.0

// The first layer of each kind: nil where there is none. Setting one changes the layer that is there.
extension Packet {
  /// The Ethernet header.
  public var ethernet: EthernetHeader? {
    get { first { if case .ethernet(let header) = $0 { header } else { nil } } }
    set { set(newValue.map(Layer.ethernet)) { if case .ethernet = $0 { true } else { false } } }
  }

  /// The outermost VLAN tag.
  public var vlan: VLANTag? {
    get { first { if case .vlan(let tag) = $0 { tag } else { nil } } }
    set { set(newValue.map(Layer.vlan)) { if case .vlan = $0 { true } else { false } } }
  }

  /// The ARP message.
  public var arp: ARPMessage? {
    get { first { if case .arp(let message) = $0 { message } else { nil } } }
    set { set(newValue.map(Layer.arp)) { if case .arp = $0 { true } else { false } } }
  }

  /// The outermost IPv4 header.
  public var ipv4: IPv4Header? {
    get { first { if case .ipv4(let header) = $0 { header } else { nil } } }
    set { set(newValue.map(Layer.ipv4)) { if case .ipv4 = $0 { true } else { false } } }
  }

  /// The outermost IPv6 header.
  public var ipv6: IPv6Header? {
    get { first { if case .ipv6(let header) = $0 { header } else { nil } } }
    set { set(newValue.map(Layer.ipv6)) { if case .ipv6 = $0 { true } else { false } } }
  }

  /// All extension headers of IPv6, in order.
  public var ipv6Extensions: [IPv6Extension] {
    layers.compactMap { if case .ipv6Extension(let header) = $0 { header } else { nil } }
  }

  /// The TCP header.
  public var tcp: TCPHeader? {
    get { first { if case .tcp(let header) = $0 { header } else { nil } } }
    set { set(newValue.map(Layer.tcp)) { if case .tcp = $0 { true } else { false } } }
  }

  /// The UDP header.
  public var udp: UDPHeader? {
    get { first { if case .udp(let header) = $0 { header } else { nil } } }
    set { set(newValue.map(Layer.udp)) { if case .udp = $0 { true } else { false } } }
  }

  /// The SCTP header.
  public var sctp: SCTPHeader? {
    get { first { if case .sctp(let header) = $0 { header } else { nil } } }
    set { set(newValue.map(Layer.sctp)) { if case .sctp = $0 { true } else { false } } }
  }

  /// The ICMP header, for IPv4.
  public var icmp: ICMPHeader? {
    get { first { if case .icmp(let header) = $0 { header } else { nil } } }
    set { set(newValue.map(Layer.icmp)) { if case .icmp = $0 { true } else { false } } }
  }

  /// The ICMP header, for IPv6.
  public var icmpv6: ICMPHeader? {
    get { first { if case .icmpv6(let header) = $0 { header } else { nil } } }
    set { set(newValue.map(Layer.icmpv6)) { if case .icmpv6 = $0 { true } else { false } } }
  }

  /// The layers whose checksum is wrong, by what a capture calls them; for a packet that was parsed.
  ///
  /// A UDP checksum of 0 next to IPv4 is none, which is right. What a fragment carries has a checksum over all fragments,
  /// which cannot be told.
  public var wrongChecksums: [String] {
    var isIPv4 = false
    var isFragment = false
    return layers.compactMap { layer -> String? in
      switch layer {
      case .ipv4(let header):
        isIPv4 = true
        isFragment = isFragment || header.isFragment
        return header.checksum == .correct ? nil : "IPv4"
      case .ipv6:
        isIPv4 = false
        return nil
      case .ipv6Extension(let header):
        if case .fragment(let offset, let hasMore, _) = header.content, hasMore || offset > 0 { isFragment = true }
        return nil
      case _ where isFragment: return nil
      case .tcp(let header): return header.checksum == .correct ? nil : "TCP"
      case .udp(let header):
        return header.checksum == .correct || (header.checksum == .exactly(0) && isIPv4) ? nil : "UDP"
      case .sctp(let header): return header.checksum == .correct ? nil : "SCTP"
      case .icmp(let header): return header.checksum == .correct ? nil : "ICMP"
      case .icmpv6(let header): return header.checksum == .correct ? nil : "ICMPv6"
      default: return nil
      }
    }
  }

  private func first<Header>(_ header: (Layer) -> Header?) -> Header? {
    for layer in layers {
      if let found = header(layer) { return found }
    }
    return nil
  }

  /// nil removes the layer; where there is none, nothing happens.
  private mutating func set(_ layer: Layer?, _ matches: (Layer) -> Bool) {
    guard let index = layers.firstIndex(where: matches) else { return }
    if let layer { layers[index] = layer } else { layers.remove(at: index) }
  }
}
