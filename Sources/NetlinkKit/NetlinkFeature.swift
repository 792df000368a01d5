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
  /// Links of kind `dummy`.
  public static let dummy = linkKind("dummy", KernelVersion(2, 6, 0)) { _ in .dummy }

  private static func linkKind(
    _ name: String, _ minimum: KernelVersion, _ kind: @escaping @Sendable (InterfaceIndex) -> LinkKind
  ) -> KernelFeature {
    KernelFeature(name, minimumKernel: minimum) {
      await NetlinkFeature.obstacle(kind).map { .missing(reason: $0) } ?? .available
    }
  }
}
