// SPDX-License-Identifier: Apache-2.0

import Foundation
import IPVLANDatapath
import NetworkTypes
import Testing

@Suite("Wiring plan input")
struct PlanInputTests {
  private func failure(
    node: (inout NodeConfiguration) -> Void = { _ in }, eni: (inout ENIAttachment) -> Void = { _ in },
    pod: (inout PodAttachment) -> Void = { _ in }
  ) throws -> DatapathError {
    var (a, b, c) = (Sample.node(), try Sample.eni(), try Sample.pod())
    node(&a)
    eni(&b)
    pod(&c)
    return try #require(throws: DatapathError.self) { _ = try PodWiringPlan(mode: .ipvlan, node: a, eni: b, pod: c) }
  }

  @Test(arguments: [0, 33, -1])
  func `a prefix length that no vSwitch has is refused`(length: Int) throws {
    let error = try failure(eni: { $0.prefixLength = length })
    #expect(error.code == .invalidArgument)
    #expect(error.message == "vSwitch prefix length \(length): use 1...32")
  }

  @Test(arguments: [0, 67, 65536])
  func `an MTU out of range is refused`(mtu: UInt32) throws {
    #expect(try failure(node: { $0.mtu = mtu }).message == "MTU \(mtu): use 68...65535 bytes")
  }

  @Test(arguments: [0, 4096])
  func `an endpoint out of range is refused`(endpoint: UInt32) throws {
    #expect(try failure(pod: { $0.endpoint = endpoint }).message == "endpoint \(endpoint): use 1...4095")
  }

  @Test func `an ENI number that would leave the range of tables is refused`() throws {
    #expect(try failure(eni: { $0.number = 1000 }).message == "ENI number 1000: use 0...999, one per ENI of the node")
  }

  @Test func `a pod can't have the address of its node, its ENI or the gateway`() throws {
    for (role, address) in [
      ("node", Sample.node().address), ("ENI", try Sample.eni().address), ("gateway", try Sample.eni().gateway),
    ] {
      let error = try failure(pod: { $0.address = address })
      #expect(error.message == "pod address \(address) is the \(role) address; assign another to the ENI")
      #expect("\(error)".hasPrefix("pod default/web-0: "))
    }
  }

  @Test(arguments: [
    IPv4Address(0, 0, 0, 0), IPv4Address(127, 0, 0, 5), IPv4Address(224, 0, 0, 1), IPv4Address(255, 255, 255, 255),
  ])
  func `a pod address that is not unicast is refused`(address: IPv4Address) throws {
    #expect(try failure(pod: { $0.address = address }).message.contains("unicast"))
  }

  @Test(arguments: ["::", "::1", "ff02::1", "fe80::1", "febf::1", "::ffff:10.8.0.11"])
  func `an IPv6 address that cannot be a pod's own is refused`(text: String) throws {
    let address = try #require(IPv6Address(text))
    #expect(try failure(pod: { $0.address6 = address }).message.contains("\(address): use a global"))
  }

  @Test(arguments: ["2001:db8::11", "fd00::11", "fec0::1"])
  func `the address of an IPv6 pod reaches its programs`(text: String) throws {
    let address: IPv6Address = try #require(IPv6Address(text))
    var pod = try Sample.pod()
    pod.address6 = address
    for mode in WiringMode.allCases {
      let plan = try PodWiringPlan(mode: mode, node: Sample.node(), eni: Sample.eni(), pod: pod)
      let planned = plan.steps.compactMap { if case .programs(let programs) = $0.object { programs } else { nil } }
      #expect(planned.map(\.address6) == [address])
      #expect(plan.description.contains("(endpoint 17, 10.8.0.11, \(text))"))
    }
  }

  @Test func `the pod's loopback is not a link to wire`() throws {
    #expect(try failure(pod: { $0.interface = "lo" }).message.contains("\"lo\""))
  }

  @Test(arguments: [("", "a"), ("a", ""), ("a/b", "c"), ("a", "b\n"), ("a", String(repeating: "x", count: 254))])
  func `what can't be a Kubernetes name is no identity`(namespace: String, name: String) {
    #expect(PodIdentity(namespace: namespace, name: name) == nil)
  }

  @Test func `a record survives storage, and an edited one is refused`() throws {
    let record = WiringRecord(mode: .veth, node: Sample.node(), eni: try Sample.eni(), pod: try Sample.pod())
    let stored = try JSONEncoder().encode(record)
    #expect(try JSONDecoder().decode(WiringRecord.self, from: stored) == record)
    var pod = record.pod
    pod.address6 = IPv6Address(high: 0xfd00 << 48, low: 0x11)
    let dual = WiringRecord(mode: record.mode, node: record.node, eni: record.eni, pod: pod)
    #expect(try JSONDecoder().decode(WiringRecord.self, from: JSONEncoder().encode(dual)) == dual)
    // Those of before there was a second address have none.
    #expect(!String(decoding: stored, as: UTF8.self).contains("address6"))
    let edited = String(decoding: stored, as: UTF8.self).replacingOccurrences(of: "web-0", with: "web/0")
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(WiringRecord.self, from: Data(edited.utf8)) }
  }

  @Test func `names are stable, distinct, and fit a link`() throws {
    let pod = try Sample.pod()
    #expect(Ownership.nodeLink(of: pod).rawValue == "twk8e8b99173c7")
    var names: Set<String> = []
    for index in 0..<2000 {
      var other = pod
      other.pod = try #require(PodIdentity(namespace: "default", name: "web-\(index)"))
      names.insert(Ownership.nodeLink(of: other).rawValue)
    }
    #expect(names.count == 2000)
    #expect(names.allSatisfy { $0.utf8.count == 14 })
  }

  @Test func `an alias never outgrows what the kernel stores`() throws {
    let long = try #require(
      PodIdentity(namespace: String(repeating: "n", count: 63), name: String(repeating: "p", count: 253)))
    #expect(Ownership.alias(of: long).utf8.count == 255)
  }
}
