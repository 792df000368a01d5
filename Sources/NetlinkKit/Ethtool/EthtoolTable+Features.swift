// SPDX-License-Identifier: Apache-2.0

extension EthtoolTable {
  /// The offload features of a device.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent. `ETHTOOL_MSG_FEATURES_GET`,
  ///   `ETHTOOL_MSG_STRSET_GET`.
  public func features(of device: EthtoolDevice) async throws(NetlinkError) -> OffloadFeatures {
    var features: OffloadFeatures = try await get(device)
    features.names = try await names(of: .features)
    return features
  }

  /// Switches features on and off: those that are named, and no others.
  ///
  /// A feature that needs another one goes off with that, though it stays wanted. The kernel says yes to nearly
  /// everything, so the features are read back.
  ///
  /// ```swift
  /// try await generic.ethtool.setFeatures([.largeReceive: false, .genericReceive: true], of: .name("eth0"))
  /// ```
  ///
  /// - Parameters:
  ///   - changes: the features to switch, and whether on or off.
  ///   - device: the device.
  /// - Returns: The features afterwards.
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `notSupported` when the kernel does not know a
  ///   feature, `diverged` when the device did not do all: the reason lists what and why, and the rest *was* done.
  /// - Requires: `CAP_NET_ADMIN`. `ETHTOOL_MSG_FEATURES_SET`.
  @discardableResult
  public func setFeatures(
    _ changes: [OffloadFeature: Bool], of device: EthtoolDevice
  ) async throws(NetlinkError) -> OffloadFeatures {
    let list = changes.map { (feature: $0.key, isOn: $0.value) }.sorted { $0.feature.rawValue < $1.feature.rawValue }
    guard !list.isEmpty else { return try await features(of: device) }
    let request = SetOffloadFeatures(
      family: try await family(for: "set features of \(device)"), device: device, changes: list)
    try await generic.socket.acknowledge(request)
    let kept = try await features(of: device)
    let wrong = list.compactMap { change -> String? in
      guard let state = kept[change.feature], state.isActive != change.isOn else { return nil }
      let reason =
        !state.isChangeable
        ? "fixed" : state.isWanted == change.isOn ? "something that it needs is off" : "refused by the driver"
      return "\(change.feature) is \(state.isActive ? "on" : "off") (\(reason))"
    }
    guard wrong.isEmpty else {
      throw NetlinkError(
        .diverged, operation: request.operation,
        reason: "the device did not do all: \(wrong.joined(separator: ", "))", request: request.name)
    }
    return kept
  }
}
