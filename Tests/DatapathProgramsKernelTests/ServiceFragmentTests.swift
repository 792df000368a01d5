// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Fragments of translated flows", .serialized, .requires(.root))
struct ServiceFragmentTests {
  @Test(arguments: Family.allCases, [false, true])
  func `all pieces go to the backend and come from the service, and add up to one datagram`(
    family: Family, hasPolicy: Bool
  ) throws {
    let made = try ServiceTests.fixture(family, .udp)
    let fixture = made.pod
    if hasPolicy {
      try fixture.publish(
        ingress: [], egress: [PodFixture.Rule(classID: 4, ipProtocol: .udp, ports: .exact(8080))])
    }
    let sent = try FragmentTests.fragments(.udp(from: 1000, to: 80), from: family.pod, to: family.vip)
    let expected = try FragmentTests.fragments(.udp(from: 1000, to: 8080), from: family.pod, to: family.peer)
    #expect(sent.count > 2)
    for (fragment, whole) in zip(sent, expected) { #expect(try fixture.pass(fragment, .egress).bytes == whole.bytes) }
    let replies = try FragmentTests.fragments(.udp(from: 8080, to: 1000), from: family.peer, to: family.pod)
    let received = try FragmentTests.fragments(.udp(from: 80, to: 1000), from: family.vip, to: family.pod)
    for (fragment, whole) in zip(replies, received) {
      #expect(try fixture.pass(fragment, .ingress).bytes == whole.bytes)
    }
    #expect(try fixture.datapath.flows.entries().count == 2)
  }

  @Test(arguments: Family.allCases)
  func `later pieces follow the first, even to a backend that is gone meanwhile`(family: Family) throws {
    let made = try ServiceChoiceTests.fixture(family, .udp)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    let sent = try FragmentTests.fragments(.udp(from: 1000, to: 80), from: family.pod, to: family.vip)
    let first = try fixture.pass(sent[0], .egress).destination.address
    services.setState(
      BACKEND_GONE, ofBackend: ServiceChoiceTests.number(of: first, in: family, written), of: written)
    #expect(try fixture.pass(sent[1], .egress).destination.address == first)
    let next = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    #expect(try fixture.pass(next, .egress).destination.address != first)
  }
}
