// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import VPCSimulator

@Suite("VPC fabric, pure parts")
struct FabricPureTests {
  @Test func `an address change keeps what stays, once`() {
    let (a, b, c) = (IPv4Address(10, 0, 0, 1), IPv4Address(10, 0, 0, 2), IPv4Address(10, 0, 0, 3))
    let change = AddressChange(from: [a, b], to: [b, c, c])
    #expect(change.added == [c])
    #expect(change.removed == [a])
    #expect(AddressChange(from: [a], to: [a]) == AddressChange(from: [], to: []))
  }

  @Test func `kernel counters are read by name, and nonsense gives none`() {
    let text = "TcpExt: A IPReversePathFilter\nTcpExt: 1 42\nIpExt: A\nIpExt: 18446744073709551615\n"
    #expect(NetworkStatistics(text)["TcpExt", "IPReversePathFilter"] == 42)
    #expect(NetworkStatistics(text)["IpExt", "A"] == .max)
    for bad in ["", "\n", "TcpExt:\n1", "TcpExt: A\nIpExt: 1\n", ": :\n", "TcpExt: A B\nTcpExt: 7\n"] {
      #expect(NetworkStatistics(bad)["TcpExt", "B"] == nil)
    }
    #expect(NetworkStatistics("TcpExt: A\nTcpExt: -1\n")["TcpExt", "A"] == nil)
  }
}
