// SPDX-License-Identifier: Apache-2.0

import BPFTesting
import CAllocationCounter
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Timed and XDP test runs")
  struct TestRunTimingTests {
    @Test func `a timed run has a median between its fastest and slow batches`() throws {
      let timing = try BPFProgram.empty().time(packet: packet, repeat: 500, batches: 21)
      #expect(timing.minimum > 0)
      #expect(timing.minimum <= timing.median && timing.median <= timing.percentile95)
      #expect(timing.batchCount == 21 && timing.runsPerBatch == 500)
    }

    @Test func `timed runs allocate nothing`() throws {
      let program = try loadSamples().program("counts")
      let call = try program.makeCall(packet, SocketBufferContext(mark: 1), "measure")
      var times = [Double](repeating: 0, count: 50)
      var kernelTimes = [UInt32](repeating: 0, count: 50)
      // Other threads of the process may allocate meanwhile, so one clean attempt is the proof.
      let isClean = (0..<20).contains { _ in
        let before = allocation_count()
        let outcome = BPFProgram.loop(call, program.descriptor, 10, &times, &kernelTimes)
        return outcome.status == 0 && allocation_count() == before
      }
      #expect(isClean)
      #expect(times.allSatisfy { $0 > 0 })
    }

    @Test func `a program that rewrites is not timed on its own output unless that is said to be fine`() throws {
      let program = try loadSamples().program("writes_packet")
      #expect { _ = try program.time(packet: packet) } throws: {
        ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("allowsRewriting")
      }
      #expect(throws: BPFError.self) { try program.measure(packet: packet) }
      #expect(try program.time(packet: packet, repeat: 1, batches: 3).batchCount == 3)
      #expect(try program.time(packet: packet, batches: 3, allowsRewriting: true).median > 0)
      // Its own output is a fixed point.
      #expect(try program.time(packet: [0xee] + packet.dropFirst(), batches: 3).median > 0)
    }

    @Test func `a context's timestamp and segments come back`() throws {
      var context = SocketBufferContext(mark: 1, priority: 2)
      context.timestamp = 5
      context.segmentCount = 3
      context.segmentSize = 4
      let after = try loadSamples().program("counts").test(packet: packet, context: context).context
      #expect(after?.timestamp == 5 && after?.segmentCount == 3)
      #expect(after?.mark == 1 && after?.priority == 2)
    }

    @Test func `an XDP program's packet, verdict and metadata come back`() throws {
      let object = try BPFObject(.xdp).load()
      let back = try object.program("sends_back").test(xdp: packet)
      #expect(back.verdict == .transmit)
      #expect(back.packet == [0xee] + packet.dropFirst(5))
      #expect(try object.program("drops").test(xdp: packet).verdict == .drop)
      let marks = try object.program("marks")
      let fresh = try marks.test(xdp: packet)
      // Without an interface, a packet is on loopback.
      #expect(fresh.verdict == .drop)
      #expect(fresh.context.metadata == [7, 0, 0, 0])
      #expect(fresh.packet == packet)
      let marked = try marks.test(xdp: packet, context: XDPContext(ingressInterface: 1, metadata: [1, 2, 0, 0]))
      #expect(marked.verdict == .drop)
      #expect(marked.context.metadata == [2, 2, 0, 0])
      #expect(marked.context.ingressInterface == 1)
    }

    @Test func `an XDP program is told the interface, of the caller's namespace`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let marks = try BPFObject(.xdp).load().program("marks")
        let run = try await namespace.run {
          try marks.test(xdp: packet, context: XDPContext(ingressInterface: interface))
        }
        #expect(run.verdict == .pass)
        #expect(run.context.ingressInterface == interface)
      }
    }

    @Test func `what an XDP test run cannot have is refused by name`() throws {
      let object = try BPFObject(.xdp).load()
      let program = try object.program("passes")
      #expect(throws: BPFError.self) { try program.test(xdp: packet, context: XDPContext(metadata: [1])) }
      #expect {
        _ = try program.test(xdp: packet, context: XDPContext(metadata: [UInt8](repeating: 0, count: 400)))
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("metadata") }
      #expect { _ = try program.test(xdp: packet, context: XDPContext(ingressInterface: 4711)) } throws: {
        ($0 as? BPFError)?.code != nil
      }
      #expect { _ = try loadSamples().program("counts").test(xdp: packet) } throws: {
        ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("SEC(\"tc\")")
      }
      #expect { _ = try BPFObject(.hooks).load().program("hook_connect4").test(packet: packet) } throws: {
        ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("cgroup/connect4")
      }
    }

    @Test func `a packet is given as its headers and read back as such`() throws {
      let packet = Packet(
        .ethernet(), .ipv4(from: IPv4Address(10, 0, 0, 5), to: IPv4Address(10, 0, 0, 9)), .udp(from: 1, to: 2),
        payload: [1, 2, 3])
      let run = try loadSamples().program("writes_packet").test(packet)
      #expect(run.verdict == .pass)
      #expect(run.parsedPacket.ethernet?.destination == MACAddress(truncating: 0xee00_0000_0002))
      #expect(run.parsedPacket.udp == packet.udp)
    }
  }
}
