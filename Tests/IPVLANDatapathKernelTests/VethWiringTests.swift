// SPDX-License-Identifier: Apache-2.0

import IPVLANDatapath
import KernelTestSupport
import LinuxSystem
import Testing

@Suite("Wiring by veth", .serialized, .requires(.root))
struct VethWiringTests {
  @Test func `veth pods reach each other on one ENI, across ENIs and nodes, and their node`() async throws {
    try await WiringScenarios.allPathsWork(.veth)
  }

  @Test func `veth pods are added and removed twice without a trace`() async throws {
    try await WiringScenarios.verbsAreIdempotent(.veth)
  }

  @Test func `a failed addition leaves nothing behind in veth mode`() async throws {
    try await WiringScenarios.failedAdditionLeavesNothing(.veth)
  }

  @Test func `programs stop forged sources, empty slots drop, and pods wait for policy in veth mode`() async throws {
    try await WiringScenarios.programsGuardThePod(.veth)
  }

  @Test func `damage to veth wiring is reported and repaired`() async throws {
    try await WiringScenarios.damageIsSeenAndRepaired(.veth)
  }

  @Test func `a NIC that is not the ENI meant is refused in veth mode`() async throws {
    try await WiringScenarios.wrongParentIsRefused(.veth)
  }

  @Test func `a pod whose namespace is gone is removed in veth mode`() async throws {
    try await WiringScenarios.vanishedPodIsRemoved(.veth)
  }
}
