// SPDX-License-Identifier: Apache-2.0

/// Something that a kernel may or may not have, found out by trying.
///
/// A version says too little: distributions leave out modules and bring back features.
public struct KernelFeature: Sendable {
  /// Whether the feature is there.
  public enum Availability: Hashable, Sendable {
    /// It is.
    case available
    /// It is not; `reason` ends the sentence "FEATURE is missing: …".
    case missing(reason: String)
  }

  /// What operators call it, such as `ipvlan`.
  public let name: String
  /// The first kernel that has it, where its configuration includes it; nil when it does not depend on the kernel.
  public let minimumKernel: KernelVersion?
  private let probe: @Sendable () async -> Availability

  /// Describes a feature.
  ///
  /// - Parameters:
  ///   - name: What operators call it.
  ///   - minimumKernel: The first kernel that has it.
  ///   - probe: Tries it and leaves nothing behind.
  public init(
    _ name: String, minimumKernel: KernelVersion? = nil, probe: @escaping @Sendable () async -> Availability
  ) {
    self.name = name
    self.minimumKernel = minimumKernel
    self.probe = probe
  }

  /// Tries the feature.
  public func availability() async -> Availability { await probe() }

  /// The capabilities that the datapath needs.
  public static let root = KernelFeature("root") {
    let missing = CapabilitySet.datapath.subtracting(.effective)
    return missing.isEmpty
      ? .available : .missing(reason: "\(missing.names.joined(separator: ", ")) not held; run as root")
  }

  /// A mounted cgroup v2 hierarchy.
  public static let cgroup2 = KernelFeature("cgroup2", minimumKernel: KernelVersion(4, 5)) {
    mounted("cgroup2", remedy: "mount -t cgroup2 none /sys/fs/cgroup")
  }

  /// A mounted BPF file system.
  public static let bpffs = KernelFeature("bpffs", minimumKernel: KernelVersion(4, 4)) {
    mounted("bpf", remedy: "mount -t bpf bpf /sys/fs/bpf")
  }

  private static func mounted(_ type: String, remedy: String) -> Availability {
    guard let table = try? MountTable.current() else { return .missing(reason: "/proc is not mounted") }
    return table.path(ofType: type) == nil ? .missing(reason: "not mounted; \(remedy)") : .available
  }
}
