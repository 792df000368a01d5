// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import Testing

@testable import PolicyCompiler

@Suite("Grace periods", .serialized, .requires(.root))
struct GracePeriodTests {
  @Test func `a grace period ends while programs run on and on`() async throws {
    let datapath = try PodDatapath.load(pinDirectory: nil, limits: .small)
    let gracePeriod = try BPFGracePeriod()
    try await withThread { _ in
      _ = try datapath.toPod.verdict(onPacket: [UInt8](repeating: 0, count: 64), controlBlock: 1)
    } _: {
      for _ in 0..<20 { try await gracePeriod.wait() }
    }
    try gracePeriod.waitBlocking()
  }
}
