// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
public import LinuxSystem
internal import NetlinkKit
internal import Synchronization
public import Testing

extension Trait where Self == ConditionTrait {
  /// Skips the test where the machine lacks a feature, and says which.
  ///
  /// The comment begins with `missing feature: NAME (`; the report groups skips by it and fails the run when no kernel
  /// ran the test. A feature is probed by trying, once per process. A test that needs several takes several traits.
  ///
  /// - Parameter feature: What the test needs.
  /// - Returns: The condition.
  public static func requires(_ feature: KernelFeature) -> Self {
    let floor = feature.minimumKernel.map { "needs a kernel with it, \($0) or newer" } ?? "not there on this machine"
    return .enabled("missing feature: \(feature.name) (\(floor))") {
      await FeatureCache.shared.availability(of: feature) == .available
    }
  }

  /// Runs the test only where the kernel lacks a feature: it is about what is said then.
  ///
  /// - Parameter feature: What must not be there.
  /// - Returns: The condition.
  public static func requires(absenceOf feature: KernelFeature) -> Self {
    .enabled("present feature: \(feature.name) (needs a kernel without it)") {
      await FeatureCache.shared.availability(of: feature) != .available
    }
  }
}

/// Remembers what was probed.
private actor FeatureCache {
  static let shared = FeatureCache()
  private var known: [String: KernelFeature.Availability] = [:]

  func availability(of feature: KernelFeature) async -> KernelFeature.Availability {
    if let known = known[feature.name] { return known }
    let availability = await feature.availability()
    known[feature.name] = availability
    return availability
  }
}
