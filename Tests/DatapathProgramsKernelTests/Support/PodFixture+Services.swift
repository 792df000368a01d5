// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import NetworkTypes
import Testing

/// A pod's datapath with one service.
struct ServiceFixture: ~Copyable {
  let pod: PodFixture
  let services: TestServices
  let written: TestServices.Service
}

extension PodFixture {
  /// What became of a packet, and what it is now.
  enum Result: Hashable {
    case passes(Packet)
    /// It goes back to the pod.
    case returns(Packet)
    case drops(DropReason)
  }

  /// Runs the program of the direction on a packet, at an interface that is its own.
  func run(_ packet: Packet, _ direction: FlowRecord.Direction) throws -> Result {
    try Result(counting: datapath) {
      switch direction {
      case .egress: try dispatcher.egress.test(packet: packet.bytes)
      case .ingress: try dispatcher.ingress.test(packet: packet.bytes)
      }
    }
  }

  /// Sends a packet that has to pass, and gives what it is now.
  func pass(_ packet: Packet, _ direction: FlowRecord.Direction) throws -> Packet {
    let result = try run(packet, direction)
    guard case .passes(let after) = result else { throw UnexpectedResult(result: result) }
    return after
  }

  /// Sends a packet that has to go back to the pod, and gives what it is now.
  func returned(_ packet: Packet) throws -> Packet {
    let result = try run(packet, .egress)
    guard case .returns(let after) = result else { throw UnexpectedResult(result: result) }
    return after
  }

  struct UnexpectedResult: Error {
    var result: Result
  }
}

extension PodFixture.Result {
  /// What a test run made of a packet, and the one reason that it counted when it dropped it.
  init(counting datapath: PodDatapath, _ run: () throws -> TestRun) throws {
    let before = try datapath.readDropCounters()
    let result = try run()
    let counted = try datapath.readDropCounters().filter { before[$0.key] != $0.value }
    let after = Packet(parsing: result.packet)
    switch result.returnValue {
    case -1:
      #expect(counted.isEmpty, "passed, but counted \(counted)")
      self = .passes(after)
    case 7: self = .returns(after)
    default:
      #expect(result.returnValue == 2 && counted.count == 1)
      self = .drops(try #require(counted.first).key)
    }
  }
}

extension Packet {
  /// Where a packet goes: address and port.
  var destination: (address: IPAddress, port: UInt16) { (ends.destination, ports.destination) }
  /// Where it comes from.
  var source: (address: IPAddress, port: UInt16) { (ends.source, ports.source) }

  private var ends: (source: IPAddress, destination: IPAddress) {
    if let ipv4 { return (.v4(ipv4.source), .v4(ipv4.destination)) }
    guard let ipv6 else { return (.v4(IPv4Address(0, 0, 0, 0)), .v4(IPv4Address(0, 0, 0, 0))) }
    return (.v6(ipv6.source), .v6(ipv6.destination))
  }

  private var ports: (source: UInt16, destination: UInt16) {
    for layer in layers {
      switch layer {
      case .tcp(let header): return (header.sourcePort, header.destinationPort)
      case .udp(let header): return (header.sourcePort, header.destinationPort)
      case .sctp(let header): return (header.sourcePort, header.destinationPort)
      default: continue
      }
    }
    return (0, 0)
  }
}

extension Family {
  /// A service's address.
  var vip: IPAddress {
    self == .v4 ? .v4(IPv4Address(10, 96, 0, 10)) : .v6(IPv6Address(high: 0xfd00_0096 << 32, low: 10))
  }
  /// Another service's address.
  var otherVIP: IPAddress {
    self == .v4 ? .v4(IPv4Address(10, 96, 0, 11)) : .v6(IPv6Address(high: 0xfd00_0096 << 32, low: 11))
  }
  /// Where the pod seems to be when it reaches itself.
  var hairpin: IPAddress {
    self == .v4 ? .v4(IPv4Address(169, 254, 42, 1)) : .v6(IPv6Address(high: 0x0100 << 48, low: 0xa9fe_2a01))
  }
  /// Any address.
  var unspecified: IPAddress {
    self == .v4 ? .v4(IPv4Address(0, 0, 0, 0)) : .v6(IPv6Address(high: 0, low: 0))
  }
}
