// SPDX-License-Identifier: Apache-2.0

import Glibc
import IPVLANDatapath
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What the machine does not let the wirer do, and that it says so instead of doing half of it.
@Suite("Refusals of the machine", .serialized, .requires(.root))
struct RefusalTests {
  @Test func `a kernel without ipvlan is named, with what to do`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let eni = try #require(node.enis["eni-a1"])
      let pod = try await TestCluster.podNamespace()
      let attachment = try TestCluster.attachment("a1", 11)
      let before = try await dump(node.namespace)
      do throws(DatapathError) {
        let record = try await node.wirer.add(attachment, on: eni, in: pod, mode: .ipvlan)
        #expect(await NetlinkFeature.supportsIPVLAN())
        try await node.wirer.remove(record, from: pod)
      } catch {
        #expect(await !NetlinkFeature.supportsIPVLAN())
        #expect(error.code == .notSupported)
        #expect(error.message.contains("modprobe ipvlan"))
        #expect(error.message.contains("veth"))
      }
      #expect(try await dump(node.namespace) == before)
    }
  }

  @Test func `a namespace that can't be entered is an error before anything is touched`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .veth)
      let eni = try #require(node.enis["eni-a1"])
      let wired = try await dump(node.namespace)
      let other = try TestCluster.attachment("a2", 12)
      var codes: [DatapathError.Code] = []
      let limit = try Self.limitDescriptors(to: 3)
      do throws(DatapathError) {
        try await node.wirer.remove(a1.record, from: a1.namespace)
      } catch { codes.append(error.code) }
      do throws(DatapathError) {
        _ = try await node.wirer.verify(a1.record, in: a1.namespace)
      } catch { codes.append(error.code) }
      do throws(DatapathError) {
        _ = try await node.wirer.add(other, on: eni, in: a1.namespace, mode: .veth)
      } catch { codes.append(error.code) }
      _ = try Self.limitDescriptors(to: limit)
      #expect(codes == [.namespaceUnreachable, .namespaceUnreachable, .namespaceUnreachable])
      #expect(try await dump(node.namespace) == wired)
      #expect(try await node.wirer.verify(a1.record, in: a1.namespace) == [])
      try await node.wirer.remove(a1.record, from: a1.namespace)
    }
  }

  /// Lets the process open no more descriptors; those it has stay.
  private static func limitDescriptors(to count: rlim_t) throws -> rlim_t {
    var limit = rlimit()
    try #require(unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    let before = limit.rlim_cur
    limit.rlim_cur = count
    try #require(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    return before
  }
}
