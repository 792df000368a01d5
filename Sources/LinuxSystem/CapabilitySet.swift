// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// What a thread may do, by capabilities(7).
public struct CapabilitySet: OptionSet, Hashable, Sendable {
  /// One bit per capability, by the kernel's numbers.
  public let rawValue: UInt64

  /// Makes a set from the kernel's bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// CAP_NET_ADMIN: links, addresses, routes, tc.
  public static let netAdmin = CapabilitySet(rawValue: 1 << 12)
  /// CAP_NET_RAW: raw and packet sockets.
  public static let netRaw = CapabilitySet(rawValue: 1 << 13)
  /// CAP_SYS_ADMIN: namespaces, mounts.
  public static let sysAdmin = CapabilitySet(rawValue: 1 << 21)
  /// CAP_PERFMON: BPF pointer operations.
  public static let perfmon = CapabilitySet(rawValue: 1 << 38)
  /// CAP_BPF: BPF programs and maps.
  public static let bpf = CapabilitySet(rawValue: 1 << 39)

  /// What the datapath needs as a whole.
  public static let datapath: CapabilitySet = [.netAdmin, .sysAdmin, .bpf, .perfmon]

  /// The calling thread's effective set, from `/proc/thread-self/status`.
  ///
  /// Unreadable counts as empty.
  public static var effective: CapabilitySet {
    guard let status = try? FileSystem.text(of: "/proc/thread-self/status") else { return [] }
    for line in status.split(separator: "\n") where line.hasPrefix("CapEff:") {
      let digits = line.dropFirst(7).drop { $0 == " " || $0 == "\t" }
      return CapabilitySet(rawValue: UInt64(digits, radix: 16) ?? 0)
    }
    return []
  }

  /// The names of the members known here, as in capabilities(7).
  public var names: [String] {
    let known: [(CapabilitySet, String)] = [
      (.netAdmin, "CAP_NET_ADMIN"), (.netRaw, "CAP_NET_RAW"), (.sysAdmin, "CAP_SYS_ADMIN"),
      (.perfmon, "CAP_PERFMON"), (.bpf, "CAP_BPF"),
    ]
    return known.filter { contains($0.0) }.map(\.1)
  }
}
