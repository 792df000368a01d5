// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetlinkKit
internal import NetlinkTesting
internal import NetworkTypes

/// The messages that mutation begins with.
public enum Seeds {
  /// The captured messages in `folder`: every `.hex` file.
  ///
  /// - Parameter folder: a path.
  /// - Returns: Their bytes, in the order of the files' names.
  /// - Throws: when the folder cannot be read.
  public static func captured(in folder: String) throws -> [[UInt8]] {
    try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".hex") }.sorted().map { name in
      let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
      let digits = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined().compactMap(\.hexDigitValue)
      return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
  }

  /// One message of each kind that a fake kernel knows, and refusals.
  ///
  /// - Returns: Their bytes.
  /// - Throws: when the fake kernel refuses what it should do.
  public static func made() async throws -> [[UInt8]] {
    let kernel = FakeKernel()
    let socket = kernel.socket
    let link = try await socket.links.add(
      NewLink(name: "v0", kind: .veth(peer: VethPeer(name: "v1")), isUp: true, alias: "a link"))
    try await socket.links.create(NewLink(name: "i0", kind: .ipvlan(parent: link.index, mode: .l3, flag: .vepa)))
    try await socket.links.create(NewLink(name: "m0", kind: .macvlan(parent: link.index)))
    for text in ["10.0.0.1", "fd00::1"] {
      guard let address = IPAddress(text), let gateway = IPAddress(text + "2") else { continue }
      try await socket.addresses.add(
        InterfaceAddress(index: link.index, address: address, prefixLength: address.family.bitWidth - 8))
      try await socket.routes.add(
        Route(destination: nil, gateway: gateway, interface: link.index, source: address, priority: 7, isOnLink: true))
      try await socket.neighbours.add(
        Neighbour(interface: link.index, address: gateway, linkLayerAddress: MACAddress("02:00:00:00:00:09")))
      try await socket.neighbours.add(Neighbour(interface: link.index, address: address, isProxy: true))
      try await socket.rules.add(
        Rule(
          family: address.family, priority: 100, source: IPCIDR(host: address), inputInterface: "v0", mark: 7,
          table: RouteTableID(1000), suppressedPrefixLength: 0))
    }
    try await socket.qdiscs.ensureClsact(on: link.index)
    try await socket.filters.add(
      BPFFilter(interface: link.index, direction: .ingress, programDescriptor: 9, name: "prog"))
    let links = kernel.links.compactMap { FakeKernel.Reply($0) }
    let addresses = kernel.addresses.compactMap { FakeKernel.Reply($0) }
    let routes = kernel.routes.compactMap { FakeKernel.Reply($0) }
    let rules = kernel.rules.compactMap { FakeKernel.Reply($0) }
    let neighbours = kernel.neighbours.compactMap { FakeKernel.Reply($0) }
    let request = kernel.datagrams.last ?? []
    let answers = (links + addresses + routes + rules + neighbours).map { $0.bytes(to: request) }
    // Queueing disciplines and filters have no encoder; the requests have their form.
    return answers + kernel.datagrams + [
      FakeKernel.Reply.acknowledgement.bytes(to: request), FakeKernel.Reply.done.bytes(to: request),
      refusal(to: request),
    ]
  }

  /// A refusal with the kernel's words and the place of an attribute.
  private static func refusal(to request: [UInt8]) -> [UInt8] {
    let words: [UInt8] = [16, 0, 1, 0] + Array("not like th".utf8) + [0] + [8, 0, 2, 0, 36, 0, 0, 0]
    let reply = FakeKernel.Reply(
      FakeKernel.RequestKind(rawValue: 2), flags: 0x300, body: [0xed, 0xff, 0xff, 0xff] + request.prefix(16) + words)
    return reply.bytes(to: request)
  }
}
