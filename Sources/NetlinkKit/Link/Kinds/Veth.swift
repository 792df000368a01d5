// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
public import LinuxSystem
public import NetworkTypes

/// The other end of a veth or netkit pair that is to be created.
public struct VethPeer: Sendable, Hashable {
  /// Its name.
  public var name: InterfaceName
  /// Where it is born; nil where the first end is.
  public var namespace: NetworkNamespace?
  /// Its MTU in bytes; nil for the kernel's choice.
  public var mtu: UInt32?
  /// Its link-layer address; nil for a random one.
  public var address: MACAddress?
  /// Whether it is set up, by a request of its own: the kernel cannot create a peer that is up.
  public var isUp: Bool

  /// Describes the other end.
  ///
  /// - Parameters:
  ///   - name: its name, free in its namespace.
  ///   - namespace: where it is born; nil where the first end is.
  ///   - mtu: its MTU in bytes; nil for the kernel's choice.
  ///   - address: its link-layer address; nil for a random one.
  ///   - isUp: whether it is set up once it is there.
  public init(
    name: InterfaceName, namespace: NetworkNamespace? = nil, mtu: UInt32? = nil, address: MACAddress? = nil,
    isUp: Bool = false
  ) {
    self.name = name
    self.namespace = namespace
    self.mtu = mtu
    self.address = address
    self.isUp = isUp
  }

  /// Whether both describe the same end, in the same namespace.
  public static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.namespace?.identity == right.namespace?.identity && left.mtu == right.mtu
      && left.address == right.address && left.isUp == right.isUp
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(namespace?.identity)
    hasher.combine(mtu)
    hasher.combine(address)
    hasher.combine(isUp)
  }
}

extension VethPeer {
  /// Writes the peer as a link message of its own, fixed header first: `VETH_INFO_PEER`, `IFLA_NETKIT_PEER_INFO`.
  func encode(_ type: Int, into writer: MessageWriter) {
    writer.nested(type) { writer in
      // Never up: the kernel opens a veth's peer before it ties the two ends together, and answers ENOTCONN.
      writer.put(header: ifinfomsg())
      writer.put(Int(IFLA_IFNAME), string: name.rawValue)
      if let mtu { writer.put(Int(IFLA_MTU), mtu) }
      if let address { writer.put(Int(IFLA_ADDRESS), address) }
      if let namespace { writer.put(Int(IFLA_NET_NS_FD), UInt32(bitPattern: namespace.descriptor)) }
    }
  }
}
