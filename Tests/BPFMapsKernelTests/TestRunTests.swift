// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import LinuxSystem
import Testing

extension BPFKernelTests {
  @Suite("Test runs")
  struct TestRunTests {
    @Test func `a program reads the context it is given, and its changes come back`() throws {
      let program = try loadSamples().program("reads_context")
      let context = SocketBufferContext(mark: 30, controlBlock: [12])
      let run = try program.test(packet: packet, context: context)
      #expect(run.returnValue == 42)
      #expect(run.context?.mark == 7)
      #expect(run.context?.controlBlock == [12, 9, 0, 0, 0])
    }

    @Test func `the packet comes back as the program left it`() throws {
      let run = try loadSamples().program("writes_packet").test(packet: packet)
      #expect(run.packet.count == packet.count)
      #expect(run.packet.first == 0xee)
      #expect(run.packet.dropFirst() == packet.dropFirst())
      #expect(run.context == nil)
    }

    @Test func `a measured program has a median`() throws {
      let nanoseconds = try loadSamples().program("counts").measure(packet: packet, repeat: 1_000, batches: 4)
      #expect(nanoseconds > 0 && nanoseconds < 100_000)
    }

    @Test(arguments: [0, 1, 13, 1 << 20])
    func `a packet of a size that no frame has is an error`(size: Int) throws {
      let program = try loadSamples().program("counts")
      #expect {
        _ = try program.test(packet: [UInt8](repeating: 0, count: size))
      } throws: {
        ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("on \(size) bytes")
          && "\($0)".contains("at least 14 bytes")
      }
    }

    @Test func `too many control block words, runs or batches out of range are errors`() throws {
      let program = try loadSamples().program("counts")
      #expect(throws: BPFError.self) {
        try program.test(packet: packet, context: SocketBufferContext(controlBlock: [1, 2, 3, 4, 5, 6]))
      }
      #expect(throws: BPFError.self) { try program.test(packet: packet, repeat: 0) }
      #expect(throws: BPFError.self) { try program.measure(packet: packet, batches: 0) }
    }
  }
}
