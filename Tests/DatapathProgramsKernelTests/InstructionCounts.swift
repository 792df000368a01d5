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
      "from_pod": 22429,
      "to_pod": 13322,
      "from_pod with services": 23513,
      "to_pod with services": 13843,
      "from_outside": 26254,
      "to_outside": 6438,
      "xdp_outside": 2027,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 1710,
      "connect6": 1782,
      "sendmsg4": 4251,
      "sendmsg6": 4286,
      "recvmsg4": 175,
      "recvmsg6": 203,
      "getpeername4": 175,
      "getpeername6": 203,
      "post_bind4": 355,
      "post_bind6": 523,
      "sock_release": 98,
      "refuse_bypass": 18,
    ],
    "6.12": [
      "from_pod": 9976,
      "to_pod": 10060,
      "from_pod with services": 22009,
      "to_pod with services": 13018,
      "from_outside": 25952,
      "to_outside": 5824,
      "xdp_outside": 2247,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 1898,
      "connect6": 2008,
      "sendmsg4": 6317,
      "sendmsg6": 6557,
      "recvmsg4": 175,
      "recvmsg6": 203,
      "getpeername4": 175,
      "getpeername6": 203,
      "post_bind4": 431,
      "post_bind6": 768,
      "sock_release": 98,
      "refuse_bypass": 18,
    ],
    "6.18": [
      "from_pod": 10485,
      "to_pod": 10558,
      "from_pod with services": 23340,
      "to_pod with services": 13523,
      "from_outside": 26680,
      "to_outside": 6010,
      "xdp_outside": 2246,
      "dispatch_egress": 27,
      "dispatch_ingress": 27,
      "connect4": 2376,
      "connect6": 2577,
      "sendmsg4": 6685,
      "sendmsg6": 7070,
      "recvmsg4": 175,
      "recvmsg6": 203,
      "getpeername4": 175,
      "getpeername6": 203,
      "post_bind4": 455,
      "post_bind6": 1039,
      "sock_release": 98,
      "refuse_bypass": 18,
    ],
  ]
}
