// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import NetworkTypes

/// A link that is to be created.
public struct NewLink: Sendable, Hashable {
  /// Its name.
  public var name: InterfaceName
  /// Its kind and the settings of that kind.
  ///
  /// A parent is looked up in the namespace of the socket.
  public var kind: LinkKind
  /// Its MTU in bytes; nil for the kernel's choice, which is the parent's where there is one.
  public var mtu: UInt32?
  /// Its link-layer address; nil for the kernel's choice.
  public var address: MACAddress?
  /// Whether it is born up.
  public var isUp: Bool
  /// Text to attach to it, up to 255 bytes.
  public var alias: String?
  /// Where it is born, under its name and never seen anywhere else; nil in the socket's namespace.
  public var namespace: NetworkNamespace?

  /// Describes a link.
  ///
  /// - Parameters:
  ///   - name: its name, free in the namespace where it is born.
  ///   - kind: its kind and the settings of that kind.
  ///   - mtu: its MTU in bytes; nil for the kernel's choice.
  ///   - address: its link-layer address; nil for the kernel's choice.
  ///   - isUp: whether it is born up.
  ///   - alias: text to attach to it, up to 255 bytes.
  ///   - namespace: where it is born; nil in the socket's namespace.
  public init(
    name: InterfaceName, kind: LinkKind, mtu: UInt32? = nil, address: MACAddress? = nil, isUp: Bool = false,
    alias: String? = nil, namespace: NetworkNamespace? = nil
  ) {
    self.name = name
    self.kind = kind
    self.mtu = mtu
    self.address = address
    self.isUp = isUp
    self.alias = alias
    self.namespace = namespace
  }

  /// Whether both describe the same link, in the same namespace.
  public static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.kind == right.kind && left.mtu == right.mtu && left.address == right.address
      && left.isUp == right.isUp && left.alias == right.alias
      && left.namespace?.identity == right.namespace?.identity
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(kind)
    hasher.combine(mtu)
    hasher.combine(address)
    hasher.combine(isUp)
    hasher.combine(alias)
    hasher.combine(namespace?.identity)
  }
}

extension NewLink {
  /// Whether creating it takes requests beyond `RTM_NEWLINK`.
  var needsMore: Bool {
    if case .veth(let peer?) = kind, peer.isUp { return true }
    return alias != nil
  }
}
