// SPDX-License-Identifier: Apache-2.0

public import BPFMaps

extension BPFProgram {
  /// Runs the program in the kernel on a packet that nobody sent.
  ///
  /// - Parameters:
  ///   - packet: From its Ethernet header on.
  ///   - context: What surrounds it, for traffic control programs.
  /// - Returns: Verdict, packet and time.
  /// - Throws: As `test(packet:context:repeat:)`.
  public borrowing func test(
    _ packet: Packet, context: SocketBufferContext? = nil
  ) throws(BPFError) -> TestRun {
    try test(packet: packet.bytes, context: context)
  }
}

extension TestRun {
  /// The packet as the program left it, read from its Ethernet header on.
  public var parsedPacket: Packet { Packet(parsing: packet) }
}
