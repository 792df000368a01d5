// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
public import NetworkTypes

/// Which network device a request is about.
public enum EthtoolDevice: Sendable, Hashable, CustomStringConvertible {
  /// By its index.
  case index(InterfaceIndex)
  /// By its name, or an alternative name of up to 15 bytes.
  case name(InterfaceName)

  /// `link 7` or `link "eth0"`.
  public var description: String {
    switch self {
    case .index(let index): "link \(index)"
    case .name(let name): "link \"\(name)\""
    }
  }
}

/// The settings of network devices: ``GenericNetlinkSocket/ethtool``.
///
/// A setting that is written is read back, and what the device did not do is an error that says so: a driver may round
/// values or ignore them. What a device does not have is the code `notSupported`.
///
/// The name and version of a driver (`ethtool -i`), registers and driver statistics (`ethtool -S`) cannot be asked for
/// over netlink; the kernel has only the old `ioctl` for them.
///
/// - Requires: nothing to read; `CAP_NET_ADMIN` in the namespace to change. `CONFIG_ETHTOOL_NETLINK`.
public struct EthtoolTable: Sendable {
  let generic: GenericNetlinkSocket

  /// What the link is made of: the kind of plug and of transceiver.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `notSupported` when it has none.
  ///   `ETHTOOL_MSG_LINKINFO_GET`.
  public func linkInformation(of device: EthtoolDevice) async throws(NetlinkError) -> LinkInformation {
    try await get(device)
  }

  /// How fast the link is, and what it could do.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `notSupported` when it has none.
  ///   `ETHTOOL_MSG_LINKMODES_GET`, `ETHTOOL_MSG_STRSET_GET`.
  public func linkModes(of device: EthtoolDevice) async throws(NetlinkError) -> LinkModes {
    var modes: LinkModes = try await get(device)
    modes.names = try await names(of: .linkModes)
    return modes
  }

  /// Whether the link has a carrier, and why not.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `notSupported` when it has none.
  ///   `ETHTOOL_MSG_LINKSTATE_GET`.
  public func linkState(of device: EthtoolDevice) async throws(NetlinkError) -> LinkStateInformation {
    try await get(device)
  }

  /// How many queues it uses, and could.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `notSupported` when its driver does not say.
  ///   `ETHTOOL_MSG_CHANNELS_GET`.
  public func channels(of device: EthtoolDevice) async throws(NetlinkError) -> DeviceChannels { try await get(device) }

  /// Uses other numbers of queues: those that `channels` names.
  ///
  /// - Returns: The numbers afterwards.
  /// - Throws: ``NetlinkError`` with code `notFound`, `invalidArgument` when it cannot have so many, `notSupported`,
  ///   `diverged` when it kept others.
  /// - Requires: `CAP_NET_ADMIN`. `ETHTOOL_MSG_CHANNELS_SET`.
  @discardableResult
  public func setChannels(
    _ channels: DeviceChannels, of device: EthtoolDevice
  ) async throws(NetlinkError) -> DeviceChannels { try await set(channels, device) }

  /// How many packets its queues hold, and could.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `notSupported` when its driver does not say.
  ///   `ETHTOOL_MSG_RINGS_GET`.
  public func rings(of device: EthtoolDevice) async throws(NetlinkError) -> DeviceRings { try await get(device) }

  /// Gives its queues room for other numbers of packets: those that `rings` names.
  ///
  /// - Returns: The numbers afterwards.
  /// - Throws: ``NetlinkError`` with code `notFound`, `invalidArgument` when it cannot have so many, `notSupported`,
  ///   `diverged` when it kept others.
  /// - Requires: `CAP_NET_ADMIN`. `ETHTOOL_MSG_RINGS_SET`.
  @discardableResult
  public func setRings(_ rings: DeviceRings, of device: EthtoolDevice) async throws(NetlinkError) -> DeviceRings {
    try await set(rings, device)
  }

  /// How long it waits for more packets before it interrupts.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `notSupported` when its driver does not say.
  ///   `ETHTOOL_MSG_COALESCE_GET`.
  public func coalescing(of device: EthtoolDevice) async throws(NetlinkError) -> DeviceCoalescing {
    try await get(device)
  }

  /// Waits otherwise for more packets: what `coalescing` names.
  ///
  /// - Returns: The settings afterwards.
  /// - Throws: ``NetlinkError`` with code `notFound`, `invalidArgument` also when the driver does not have all of them,
  ///   `notSupported` when it has none, `diverged` when it kept others.
  /// - Requires: `CAP_NET_ADMIN`. `ETHTOOL_MSG_COALESCE_SET`.
  @discardableResult
  public func setCoalescing(
    _ coalescing: DeviceCoalescing, of device: EthtoolDevice
  ) async throws(NetlinkError) -> DeviceCoalescing { try await set(coalescing, device) }
}

extension EthtoolTable {
  /// The family's number.
  func family(for operation: String) async throws(NetlinkError) -> UInt16 {
    guard let family = try await generic.family(named: "ethtool") else {
      throw NetlinkError(
        .notSupported, operation: operation,
        reason: "this kernel has no generic netlink family ethtool; it needs CONFIG_ETHTOOL_NETLINK",
        request: "CTRL_CMD_GETFAMILY")
    }
    return family.id
  }

  /// Asks for one kind of setting of a device.
  func get<Reply: EthtoolReply>(_ device: EthtoolDevice) async throws(NetlinkError) -> Reply {
    let request = GetEthtool<Reply>(
      family: try await family(for: "read \(Reply.noun) of \(device)"), device: device)
    guard let reply = try await generic.socket.lookUp(request) else {
      throw NetlinkError(
        .malformedReply, operation: request.operation, reason: "the kernel answered without them",
        request: request.name)
    }
    return reply
  }

  /// Writes settings and compares with what is read afterwards.
  func set<Settings: EthtoolSettings>(
    _ settings: Settings, _ device: EthtoolDevice
  ) async throws(NetlinkError) -> Settings {
    let request = SetEthtool(
      family: try await family(for: "set \(Settings.noun) of \(device)"), device: device, settings: settings)
    try await generic.socket.acknowledge(request)
    let kept: Settings = try await get(device)
    let wrong = Settings.fields.compactMap { field -> String? in
      guard let wanted = field.value(settings), field.value(kept) != wanted else { return nil }
      return "\(field.name) is \(field.value(kept).map { "\($0)" } ?? "absent"), not \(wanted)"
    }
    guard wrong.isEmpty else {
      throw NetlinkError(
        .diverged, operation: request.operation, reason: "the device did not do all: \(wrong.joined(separator: ", "))",
        request: request.name)
    }
    return kept
  }

  /// The texts of a set that is the same for all devices.
  func names(of set: EthtoolStringSet) async throws(NetlinkError) -> [String] {
    try await generic.stringSet(set.rawValue) { () async throws(NetlinkError) in
      let request = GetEthtoolStrings(family: try await family(for: "read names"), set: set)
      guard let names = try await generic.socket.lookUp(request) else {
        throw NetlinkError(
          .malformedReply, operation: request.operation, reason: "the kernel answered without them",
          request: request.name)
      }
      return names
    }
  }
}
