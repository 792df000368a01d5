// SPDX-License-Identifier: Apache-2.0

/// Instructions that the verifier goes through, per program and kernel series: the record that `InstructionCountTests`
/// compares with.
///
/// To update it, run `InstructionCountTests` on a kernel of each series: a failure prints the lines to put here.
enum InstructionCounts {
  /// How much more a program may take before the test fails, in per cent.
  static let tolerance = 10

  static let recorded: [String: [String: Int]] = [
    "6.1": [
      "from_pod": 17715,
      "to_pod": 17658,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 150,
      "getpeername4": 33,
      "recvmsg4": 50,
      "sendmsg4": 186,
      "refuse_bypass": 18,
    ],
    "6.12": [
      "from_pod": 16932,
      "to_pod": 16943,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 150,
      "getpeername4": 33,
      "recvmsg4": 50,
      "sendmsg4": 186,
      "refuse_bypass": 18,
    ],
    "6.18": [
      "from_pod": 17324,
      "to_pod": 17291,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 150,
      "getpeername4": 33,
      "recvmsg4": 50,
      "sendmsg4": 186,
      "refuse_bypass": 18,
    ],
  ]
}
