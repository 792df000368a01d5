// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import SystemPackage

/// What a program did with a packet.
public struct TestRun: Sendable, Hashable {
  /// What the program returned, such as `TC_ACT_OK` (0) or `TC_ACT_SHOT` (2).
  public var returnValue: Int32
  /// The packet afterwards.
  public var packet: [UInt8]
  /// Mean time of a run, in nanoseconds; whole numbers only, so that one run alone says little.
  public var duration: UInt32
  /// The context afterwards; nil unless one was given.
  public var context: SocketBufferContext?
}

extension BPFProgram {
  /// Runs the program in the kernel on a packet that nobody sent.
  ///
  /// Maps are read and written as ever.
  ///
  /// - Parameters:
  ///   - packet: From the Ethernet header on, at least 14 bytes.
  ///   - context: What surrounds it, for traffic control programs.
  ///   - count: How often; maps are changed each time, and the packet of one run goes into the next.
  /// - Returns: Verdict, packet and time.
  /// - Throws: `invalidArgument` for a packet that is too short or too long, more than five control block words, or an
  ///   interface that is not there; `notSupported` for a type of program that cannot be tested; `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN and CAP_BPF. `BPF_PROG_TEST_RUN`. Blocks the calling thread for `count` runs.
  public borrowing func test(
    packet: [UInt8], context: SocketBufferContext? = nil, repeat count: Int32 = 1
  ) throws(BPFError) -> TestRun {
    let operation = "test-run program \"\(name)\" on \(packet.count) bytes"
    let call = try makeCall(packet, context, operation)
    guard count > 0 else { throw BPFError(.invalidArgument, "\(operation): \(count) runs; use at least 1") }
    let outcome = call.run(descriptor, repeat: count)
    try check(outcome.status, operation)
    return TestRun(
      returnValue: Int32(bitPattern: outcome.returnValue), packet: call.result(outcome), duration: outcome.duration,
      context: unsafe call.withContext(as: __sk_buff.self) { unsafe SocketBufferContext($0) })
  }

  borrowing func makeCall(
    _ packet: [UInt8], _ context: SocketBufferContext?, _ operation: String
  ) throws(BPFError) -> TestRunCall {
    guard (context?.controlBlock.count ?? 0) <= 5 else {
      throw BPFError(
        .invalidArgument, "\(operation): the control block has 5 words, not \(context?.controlBlock.count ?? 0)")
    }
    return TestRunCall(
      packet: packet,
      context: context.map { context in unsafe bytes(of: __sk_buff.self) { unsafe context.write(to: &$0) } } ?? []
    )
  }

  borrowing func check(_ status: CInt, _ operation: String) throws(BPFError) {
    switch status {
    case 0: return
    case -22, -19:  // ENODEV: the interface
      throw BPFError(
        .invalidArgument,
        "\(operation): invalid argument; a packet has at least 14 bytes (its Ethernet header) and fits into a page, and an interface index must exist here",
        errno: .init(rawValue: -status))
    case -524, -95:
      throw BPFError(
        .notSupported,
        "\(operation): the kernel cannot test-run a program of this type (\(kindInWords)); attach it in a scratch namespace",
        errno: .init(rawValue: -status))
    default: throw BPFError.kernel(operation, status: status)
    }
  }
}
