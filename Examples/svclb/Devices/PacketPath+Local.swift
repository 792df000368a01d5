// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage

extension PacketPath {
  /// Notes which endpoints are on this node, for the programs at its devices, beside the pods that are attached.
  ///
  /// Clients outside are hidden behind the node from endpoints elsewhere alone: what one that is here answers to the node
  /// would pass none of its devices.
  ///
  /// - Parameters:
  ///   - table: What is going to be served.
  ///   - directory: The load balancer's pins; without programs at devices there nothing is done.
  /// - Throws: Where the kernel refuses.
  static func noteLocalEndpoints(of table: ServiceTable, in directory: FilePath) throws {
    let pins = directory.appending(folder)
    guard try FileSystem.entries(of: pins).contains("local_pod") else { return }
    let localPods = try BPFHashMap<ip_address, UInt32>.open(pinnedAt: pins.appending("local_pod"))
    let endpoints = try BPFArrayMap<endpoint>.open(pinnedAt: pins.appending("endpoint"))
    var kept = Set(table.entries.lazy.flatMap(\.backends).filter(\.isLocal).map(\.address))
    let missing = try kept.filter { try localPods.value(forKey: ip_address($0)) == nil }
    for (_, entry) in try endpoints.entries() where entry.flags & UInt32(ENDPOINT_PRESENT) != 0 {
      if let address = entry.ipv4 { kept.insert(.v4(address)) }
      if let address = entry.ipv6 { kept.insert(.v6(address)) }
    }
    for (key, _) in try localPods.entries() where !kept.contains(key.address) { try localPods.removeValue(forKey: key) }
    for address in missing { try localPods.updateValue(0, forKey: ip_address(address)) }
  }
}
