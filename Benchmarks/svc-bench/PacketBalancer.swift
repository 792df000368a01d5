// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import LinuxSystem
import NetlinkKit
import NetworkTypes
import ServiceLB
import ServiceList
import Synchronization

/// ServiceLB at packets: the pod programs at the client's own device, and nothing at sockets.
final class PacketBalancer: Balancer {
  private let balancer: ServiceLoadBalancer
  private let datapath: PodDatapath
  private let attachments: Mutex<Ends?>

  /// Both directions of the client's device.
  private struct Ends: ~Copyable {
    let out: Attachment
    let back: Attachment

    consuming func detach() async throws {
      try await out.detach()
      try await back.detach()
    }
  }

  private static let endpointNumber: UInt32 = 7

  init(at stage: Stage, for list: ServiceList) async throws {
    let maps = try ServiceMaps.load(limits: ServiceLimits(list))
    balancer = try ServiceLoadBalancer(maps: maps)
    datapath = try PodDatapath.load(
      pinDirectory: nil, limits: .withoutPolicy(), services: maps,
      serviceConstants: ServiceConstants(hasPacketPath: true))
    try datapath.endpoints.setValue(
      endpoint(ipv4: Stage.clientAddress, flags: UInt32(ENDPOINT_PRESENT)), at: Self.endpointNumber)
    let dispatcher = try datapath.makeDispatcher(endpoint: Self.endpointNumber)
    let link = stage.clientLink.rawValue
    let out = try await dispatcher.egress.attach(toTrafficControl: .egress, of: link, in: stage.client)
    let back = try await dispatcher.ingress.attach(toTrafficControl: .ingress, of: link, in: stage.client)
    attachments = Mutex(Ends(out: out, back: back))
  }

  func program(_ list: ServiceList) async throws -> Cost {
    let table = ServiceTable(entries: list.lines.map { ServiceEntry($0) })
    return try SocketBalancer.time { try balancer.apply(table) }
  }

  func change(_ change: EndpointChange) async throws -> Cost {
    let entry = ServiceEntry(change.service)
    return try SocketBalancer.time { try balancer.update(entry) }
  }

  func remove() async throws {
    guard let ends = attachments.withLock({ $0.take() }) else { return }
    try await ends.detach()
  }
}

extension ServiceLimits {
  /// Maps that hold a list twice over.
  init(_ list: ServiceList) {
    self.init(services: list.lines.count, backendsEach: max(list.lines.map(\.backends.count).max() ?? 1, 1))
  }
}
