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
      "from_pod with services": 23513,
      "to_pod with services": 13843,
      "from_outside": 26254,
      "to_outside": 6438,
      "xdp_outside": 2027,
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
      "from_pod": 16932,
      "to_pod": 16943,
      "from_pod with services": 22009,
      "to_pod with services": 13018,
      "from_outside": 25952,
      "to_outside": 5824,
      "xdp_outside": 2247,
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
      "from_pod": 17324,
      "to_pod": 17291,
      "from_pod with services": 23340,
      "to_pod with services": 13523,
      "from_outside": 26680,
      "to_outside": 6010,
      "xdp_outside": 2246,
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
