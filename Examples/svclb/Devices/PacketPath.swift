// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import IPVLANDatapath
import LinuxSystem
import NetlinkKit
import NetworkTypes
import ServiceLB
import SystemPackage

/// The programs that translate packets at devices, pinned beside the load balancer's maps.
struct PacketPath {
  static let folder = "packet"

  private let directory: FilePath
  private let services: ServiceMaps
  private let pods: PodDatapath
  /// The node's addresses, for devices that have none.
  private let nodeAddresses: [IPAddress]

  private var devices: FilePath { Self.devices(directory) }
  private static func devices(_ directory: FilePath) -> FilePath { directory.appending("devices") }

  /// Loads the programs, or replaces those of an earlier process; what is attached runs the new ones from then on.
  ///
  /// - Parameters:
  ///   - balancer: What they look up.
  ///   - nodeAddresses: Where this node's connections to others come from, at devices without addresses.
  /// - Throws: Where the kernel refuses.
  init(_ balancer: PinnedBalancer, nodeAddresses: [IPAddress]) throws {
    directory = balancer.directory.appending(Self.folder)
    services = balancer.balancer.maps
    self.nodeAddresses = nodeAddresses
    pods = try PodDatapath.load(pinDirectory: directory, limits: .withoutPolicy(), services: services)
  }

  /// Forgets devices that are gone, so that the numbers of their pods are free.
  ///
  /// - Throws: Where the kernel refuses.
  func collect() async throws {
    for record in try Self.records(devices) where try await !record.isAlive(in: devices) { try await detach(record) }
  }

  /// Attaches what belongs at a device; what is there already stays.
  ///
  /// - Throws: `Failure`, which names the device.
  func attach(_ device: Device) async throws {
    let records = try Self.records(devices)
    var known = records.first { $0.argument == device.place }
    // What is not as it was begins anew: the device's role, its namespace, or the pod's address.
    if let old = known, try await !isCurrent(old, device) {
      try await detach(old)
      known = nil
    }
    if known == nil, try await isAttached(device) { return }
    var endpoint = known?.endpoint ?? 0
    if endpoint == 0, device.role != .node { endpoint = try await freeNumber(device) }
    let record = DeviceRecord(device.argument, device.role, endpoint: endpoint)
    guard let programs = record.programs(in: devices), let name = record.name else {
      throw Failure(
        .unavailable, "--attach \(device.argument): the name is too long for a pin; name the namespace shorter")
    }
    try BPFFileSystem.makeDirectory(devices.appending(name))
    do {
      if device.role == .node {
        try await programs.attach(try node(at: device), at: device.link.name, in: device.namespace)
      } else {
        try await programs.attach(
          device.pod(record.endpoint), of: pods, at: device.link.name, side: record.side, in: device.namespace)
      }
    } catch {
      if known == nil { try? BPFFileSystem.removeDirectory(devices.appending(name)) }
      throw Failure(Failure(error)?.status ?? .system, "--attach \(device.argument): \(error)")
    }
  }

  /// Takes all programs off, and all maps of theirs out of the kernel.
  ///
  /// - Parameters:
  ///   - directory: The load balancer's pins; nothing there is no error.
  ///   - maps: Those that ``pins(_:)`` found.
  /// - Throws: Where the kernel refuses.
  static func detach(_ directory: FilePath, _ maps: OwnPins) async throws {
    let directory = directory.appending(folder)
    for record in try records(devices(directory)) {
      guard let programs = record.programs(in: devices(directory)), let name = record.name else { continue }
      let namespace = try? record.argument.open()
      if record.role == .node {
        try await programs.detachNode(from: record.argument.device, in: namespace)
      } else {
        try await programs.detachPrograms(
          ofEndpoint: record.endpoint, from: record.argument.device, side: record.side, in: namespace)
      }
      try BPFFileSystem.removeDirectory(devices(directory).appending(name))
    }
    try BPFFileSystem.removeDirectory(devices(directory))
    try maps.remove()
    try BPFFileSystem.removeDirectory(directory)
  }

  /// The maps of the programs at devices.
  ///
  /// - Parameter directory: The load balancer's pins.
  /// - Returns: Those that are there.
  /// - Throws: `Failure` where one is somebody else's.
  static func pins(_ directory: FilePath) throws -> OwnPins {
    let directory = directory.appending(folder)
    let names = try FileSystem.entries(of: directory).filter { directory.appending($0) != devices(directory) }
    return try OwnPins(names, in: directory)
  }

  private static func records(_ devices: FilePath) throws -> [DeviceRecord] {
    try FileSystem.entries(of: devices).compactMap { DeviceRecord(name: $0) }
  }

  /// Takes one device's programs off, and frees the pod's number.
  private func detach(_ record: DeviceRecord) async throws {
    guard let programs = record.programs(in: devices), let name = record.name else { return }
    let namespace = try? record.argument.open()
    if record.role == .node {
      try await programs.detachNode(from: record.argument.device, in: namespace)
    } else {
      let entry = try pods.endpoints.value(at: record.endpoint)
      let pod = DevicePod(
        endpoint: record.endpoint, address: entry?.ipv4, address6: entry?.ipv6, parent: try parent(of: entry))
      try await programs.detach(pod, of: pods, from: record.argument.device, side: record.side, in: namespace)
    }
    try BPFFileSystem.removeDirectory(devices.appending(name))
  }

  private func parent(of entry: endpoint?) throws -> UInt32 {
    for address in [entry?.ipv4.map(IPAddress.v4), entry?.ipv6.map(IPAddress.v6)].compactMap(\.self) {
      if let parent = try pods.localPods.value(forKey: ip_address(address)) { return parent }
    }
    return 0
  }

  /// Whether a record is of this very device and pod.
  private func isCurrent(_ record: DeviceRecord, _ device: Device) async throws -> Bool {
    guard record.role == device.role, try await isAttached(device) else { return false }
    guard record.role != .node else { return true }
    let entry = try pods.endpoints.value(at: record.endpoint)
    return entry?.ipv4 == device.address && entry?.ipv6 == device.address6
  }

  /// Whether these programs are there, be it under another name of the namespace.
  ///
  /// - Throws: `Failure` where they are another datapath's.
  private func isAttached(_ device: Device) async throws -> Bool {
    let names: Set = ["dispatch_egress", "dispatch_ingress", "from_outside", "to_outside"]
    for direction in TrafficControlDirection.allCases {
      let there = try await BPFAttachments.atTrafficControl(
        direction, of: device.link.index.rawValue, in: device.namespace)
      for attached in there.programs where names.contains(attached.program.name) {
        if attached.program.mapIdentifiers.contains(pods.dropCounters.info.identifier) { return true }
        throw Failure(
          .unavailable,
          "--attach \(device.argument): programs of another load balancer or datapath are attached there (program "
            + "\(attached.program.identifier), \(attached.program.name)); detach them first, or name their directory with --pin"
        )
      }
    }
    return false
  }

  /// A number for a pod that has none yet.
  private func freeNumber(_ device: Device) async throws -> UInt32 {
    var free: UInt32?
    for (number, entry) in try pods.endpoints.entries() where number > 0 {
      let isTaken = entry.flags & UInt32(ENDPOINT_PRESENT) != 0
      if !isTaken, free.map({ number < $0 }) ?? true { free = number }
      guard isTaken, entry.belongs(to: device.address, device.address6) else { continue }
      // One pod passes one pair of programs: two would translate twice.
      if let other = try Self.records(devices).first(where: { $0.endpoint == number }) {
        if try await other.isAlive(in: devices) {
          throw Failure(
            .unavailable,
            "--attach \(device.argument): the pod's packets pass \(other.argument) already; attach at one of its devices"
          )
        }
        try await detach(other)
      }
      return number
    }
    guard let free else {
      throw Failure(
        .unavailable, "--attach \(device.argument): \(pods.endpoints.count - 1) pods are attached, and no more fit")
    }
    return free
  }

  private func node(at device: Device) throws -> NodeDatapath {
    var masquerade = NodeDatapath.Masquerade(ipv4: device.address, ipv6: device.address6)
    for address in nodeAddresses {
      switch address {
      case .v4(let address): masquerade.ipv4 = masquerade.ipv4 ?? address
      case .v6(let address): masquerade.ipv6 = masquerade.ipv6 ?? address
      }
    }
    return try NodeDatapath.load(services: services, pods: pods, masquerade: masquerade, pinDirectory: directory)
  }
}

extension Device {
  /// The argument as records have it.
  fileprivate var place: DeviceArgument {
    var place = argument
    place.role = nil
    return place
  }

  fileprivate func pod(_ endpoint: UInt32) -> DevicePod {
    DevicePod(endpoint: endpoint, address: address, address6: address6, parent: parent)
  }
}
