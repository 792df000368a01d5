// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
internal import NetworkTypes

/// What the running kernel can do, found out by doing it.
public enum NetlinkFeature {
  /// Whether ipvlan links can be created: one is, on a veth, in a namespace that is thrown away afterwards.
  ///
  /// - Returns: false also when this process may not create namespaces or links.
  public static func supportsIPVLAN() async -> Bool {
    await obstacle { .ipvlan(parent: $0, mode: .l2, flag: .bridge) } == nil
  }

  /// Why links of `kind` cannot be created; nil when they can.
  static func obstacle(_ kind: @Sendable (_ parent: InterfaceIndex) -> LinkKind) async -> String? {
    do {
      let namespace = try await NetworkNamespace.makeAnonymous()
      let socket = try await NetlinkSocket(in: namespace)
      let parent = try await socket.links.add(NewLink(name: "p0", kind: .veth(peer: VethPeer(name: "p1"))))
      try await socket.links.create(NewLink(name: "t0", kind: kind(parent.index)))
      return nil
    } catch {
      return "\(error)"
    }
  }
}

extension KernelFeature {
  /// Links of kind `ipvlan`.
  public static let ipvlan = linkKind("ipvlan", KernelVersion(3, 19)) { .ipvlan(parent: $0) }
  /// Links of kind `macvlan`.
  public static let macvlan = linkKind("macvlan", KernelVersion(2, 6, 24)) { .macvlan(parent: $0) }
  /// Links of kind `bridge`.
  public static let bridge = linkKind("bridge", KernelVersion(2, 6, 0)) { _ in .bridge }
  /// Bridges that tell VLANs apart.
  public static let bridgeVLANs = linkKind("VLANs of bridges", KernelVersion(3, 9)) { _ in
    .bridge(BridgeSettings(isVLANFiltering: true))
  }
  /// Links of kind `dummy`.
  public static let dummy = linkKind("dummy", KernelVersion(2, 6, 0)) { _ in .dummy }

  /// Links of kind `vlan`.
  public static let vlan = linkKind("vlan", KernelVersion(2, 6, 24)) { .vlan(parent: $0, id: 7) }
  /// Links of kind `vxlan`.
  public static let vxlan = linkKind("vxlan", KernelVersion(3, 7)) { _ in .vxlan(VXLANSettings(id: 7, port: 4789)) }
  /// Links of kind `ifb`.
  public static let ifb = linkKind("ifb", KernelVersion(2, 6, 23)) { _ in .ifb }
  /// Links of kind `bond`.
  public static let bond = linkKind("bond", KernelVersion(2, 6, 35)) { _ in .bond(BondSettings()) }
  /// Links of kind `netkit`.
  public static let netkit = linkKind("netkit", KernelVersion(6, 7)) { _ in .netkit() }
  /// Tun and tap devices.
  public static let tap = KernelFeature("tap", minimumKernel: KernelVersion(2, 6, 27)) {
    do {
      let device = try await TunDevice.make(named: "t0", in: try await NetworkNamespace.makeAnonymous())
      try device.close()
      return .available
    } catch {
      return .missing(reason: "\(error)")
    }
  }

  private static func linkKind(
    _ name: String, _ minimum: KernelVersion, _ kind: @escaping @Sendable (InterfaceIndex) -> LinkKind
  ) -> KernelFeature {
    KernelFeature(name, minimumKernel: minimum) {
      await NetlinkFeature.obstacle(kind).map { .missing(reason: $0) } ?? .available
    }
  }
}
