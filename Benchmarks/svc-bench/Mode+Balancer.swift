// SPDX-License-Identifier: Apache-2.0

import LinuxSystem
import ServiceList

extension Mode {
  /// Makes what serves at a stage.
  ///
  /// - Parameters:
  ///   - stage: Where.
  ///   - list: What is to be served: maps are made large enough for it.
  /// - Returns: A balancer that serves nothing yet.
  /// - Throws: Where the kernel refuses programs or maps.
  func balancer(at stage: Stage, for list: ServiceList) async throws -> any Balancer {
    switch self {
    case .direct: Floor(stage: stage, tracksConnections: false)
    case .directConntrack: Floor(stage: stage, tracksConnections: true)
    case .iptables, .iptablesLegacy, .nftables, .nftFlat, .ipvs: Netfilter(mode: self, stage: stage)
    case .terwaykit: try await SocketBalancer(for: list)
    case .terwaykitPacket: try await PacketBalancer(at: stage, for: list)
    }
  }

  /// Why it cannot be measured here; nil if it can.
  func obstacle() async -> String? {
    do {
      guard let list = try? ServiceList(parsing: "0\t10.96.0.0\ttcp\t80\t10.128.0.0:8080\n") else { return nil }
      let balancer = try await balancer(at: Stage(), for: list)
      _ = try await balancer.program(list)
      try await balancer.remove()
      return nil
    } catch {
      return "\(error)"
    }
  }
}
