// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import Foundation
import Testing

@Suite("Drop reasons")
struct DropReasonTests {
  /// The enumerators of `enum drop_reason`, but for "none".
  static func reasonsInHeader() throws -> [String: UInt8] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let header = try String(contentsOf: root.appending(path: "bpf/include/flow_abi.h"), encoding: .utf8)
    let body = try #require(header.firstMatch(of: /enum drop_reason \{([^}]*)\}/)).1
    var reasons: [String: UInt8] = [:]
    for match in body.matches(of: /DROP_([A-Z0-9_]+) = (\d+)/) where match.1 != "NONE" {
      reasons[String(match.1)] = UInt8(match.2)
    }
    return reasons
  }

  static let names: [String: DropReason] = [
    "INVALID_SOURCE": .invalidSource, "POLICY": .policy, "INVALID": .invalid, "UNKNOWN_PROTOCOL": .unknownProtocol,
    "MISSED_TAIL_CALL": .missedTailCall, "FLOW_CREATE": .flowCreate, "UNSUPPORTED_L3": .unsupportedL3,
    "POLICY_DENY": .policyDeny, "INVALID_EXTHDR": .invalidExtensionHeader, "ENDPOINT_NOT_READY": .endpointNotReady,
    "CSUM_L4": .checksumL4, "NO_SERVICE": .noService, "NAT_NO_MAPPING": .noMapping, "IS_CLUSTER_IP": .isClusterIP,
    "NOT_IN_SRC_RANGE": .notInSourceRange, "NOT_LOCAL": .notLocal,
    "FRAG_NEEDED": .fragmentationNeeded, "UNKNOWN_SENDER": .unknownSender,
  ]

  @Test func `the Swift enum is the C enum, number by number and name by name`() throws {
    let header = try Self.reasonsInHeader()
    #expect(header.count == DropReason.allCases.count)
    for (name, number) in header {
      let reason = try #require(DropReason(rawValue: number), "DROP_\(name) = \(number) has no case in Swift")
      #expect(Self.names[name] == reason, "DROP_\(name) = \(number)")
    }
  }

  @Test func `each reason has a name of its own and a meaning`() {
    #expect(Set(DropReason.allCases.map(\.name)).count == DropReason.allCases.count)
    #expect(Set(DropReason.allCases.map(\.meaning)).count == DropReason.allCases.count)
    #expect(DropReason.allCases.allSatisfy { $0.meaning.count > 30 })
    #expect(DropReason.policy.description == "133 policy")
  }
}
