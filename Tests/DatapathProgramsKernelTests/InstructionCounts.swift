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
      "from_pod": 10153,
      "to_pod": 10096,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 1229,
      "connect6": 1375,
      "sendmsg4": 4252,
      "sendmsg6": 4122,
      "recvmsg4": 108,
      "recvmsg6": 130,
      "getpeername4": 108,
      "getpeername6": 130,
      "post_bind4": 355,
      "post_bind6": 523,
      "sock_release": 34,
      "refuse_bypass": 18,
    ],
    "6.12": [
      "from_pod": 9370,
      "to_pod": 9381,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 1418,
      "connect6": 1540,
      "sendmsg4": 6193,
      "sendmsg6": 6411,
      "recvmsg4": 108,
      "recvmsg6": 130,
      "getpeername4": 108,
      "getpeername6": 130,
      "post_bind4": 431,
      "post_bind6": 768,
      "sock_release": 34,
      "refuse_bypass": 18,
    ],
    "6.18": [
      "from_pod": 9760,
      "to_pod": 9727,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 1683,
      "connect6": 1886,
      "sendmsg4": 6540,
      "sendmsg6": 6868,
      "recvmsg4": 108,
      "recvmsg6": 130,
      "getpeername4": 108,
      "getpeername6": 130,
      "post_bind4": 455,
      "post_bind6": 1039,
      "sock_release": 34,
      "refuse_bypass": 18,
    ],
  ]
}
