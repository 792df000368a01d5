// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import Synchronization
import Testing

@testable import PolicyCompiler

@Suite("Grace periods", .serialized, .requires(.root))
struct GracePeriodTests {
  @Test func `a grace period ends while programs run on and on`() async throws {
    let datapath = try PodDatapath.load(pinDirectory: nil, limits: .small)
    let gracePeriod = try BPFGracePeriod()
    let isOver = Flag()
    let runs = Task.detached {
      while !isOver.value.load(ordering: .relaxed) {
        _ = try datapath.toPod.verdict(onPacket: [UInt8](repeating: 0, count: 64), controlBlock: 1)
        // Where there is one processor there is one thread for all tasks.
        await Task.yield()
      }
    }
    for _ in 0..<20 { try await gracePeriod.wait() }
    isOver.value.store(true, ordering: .relaxed)
    try await runs.value
    try gracePeriod.waitBlocking()
  }

  private final class Flag: Sendable { let value = Atomic(false) }
}
