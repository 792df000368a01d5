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
    guard (context?.controlBlock.count ?? 0) <= 5 else {
      throw BPFError(
        .invalidArgument, "\(operation): the control block has 5 words, not \(context?.controlBlock.count ?? 0)")
    }
    guard count > 0 else { throw BPFError(.invalidArgument, "\(operation): \(count) runs; use at least 1") }
    var (status, run) = Self.run(descriptor, packet, context, count)
    for _ in 0..<8 where status == -4 || status == -11 {  // EINTR, EAGAIN: a signal came in between
      (status, run) = Self.run(descriptor, packet, context, count)
    }
    switch status {
    case 0: return run
    case -22:
      throw BPFError(
        .invalidArgument,
        "\(operation): invalid argument; a packet has at least 14 bytes (its Ethernet header) and fits into a page, and an interface index must exist here",
        errno: .init(rawValue: 22))
    default: throw BPFError.kernel(operation, status: status)
    }
  }

  /// Measures the program's time for a packet.
  ///
  /// - Parameters:
  ///   - packet: From the Ethernet header on, at least 14 bytes.
  ///   - context: What surrounds it, for traffic control programs.
  ///   - count: Runs per batch.
  ///   - batches: How many batches; the median is the result.
  /// - Returns: Nanoseconds per run: the median over batches of each batch's mean.
  /// - Throws: As ``test(packet:context:repeat:)``. Blocks the calling thread: call it from a thread of your own.
  public borrowing func measure(
    packet: [UInt8], context: SocketBufferContext? = nil, repeat count: Int32 = 10_000, batches: Int = 9
  ) throws(BPFError) -> Double {
    guard batches > 0 else {
      throw BPFError(.invalidArgument, "measure program \"\(name)\": \(batches) batches; use at least 1")
    }
    var durations: [UInt32] = []
    for _ in 0..<batches { durations.append(try test(packet: packet, context: context, repeat: count).duration) }
    durations.sort()
    let middle = durations.count / 2
    if durations.count % 2 == 1 { return Double(durations[middle]) }
    return (Double(durations[middle - 1]) + Double(durations[middle])) / 2
  }

  /// One call, on memory of its own: the packet, room for the packet afterwards, and the contexts before and after.
  private static func run(
    _ descriptor: CInt, _ packet: [UInt8], _ context: SocketBufferContext?, _ count: Int32
  ) -> (CInt, TestRun) {
    let contextSize = unsafe MemoryLayout<__sk_buff>.stride
    let room = packet.count + 4096
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * contextSize + packet.count + room, alignment: 16)
    defer { unsafe memory.deallocate() }
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    let contexts = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<(2 * contextSize)])
      .assumingMemoryBound(to: __sk_buff.self)
    let input = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[(2 * contextSize)...].prefix(packet.count))
    let output = unsafe UnsafeMutableRawBufferPointer(rebasing: memory.suffix(room))
    unsafe input.copyBytes(from: packet)
    unsafe context?.write(to: &contexts[0])
    return unsafe withZeroed(bpf_test_run_opts.self) { options in
      unsafe options.sz = unsafe MemoryLayout<bpf_test_run_opts>.size
      unsafe options.data_in = UnsafeRawPointer(input.baseAddress)
      unsafe options.data_size_in = UInt32(clamping: input.count)
      unsafe options.data_out = output.baseAddress
      unsafe options.data_size_out = UInt32(clamping: output.count)
      if context != nil {
        unsafe options.ctx_in = UnsafeRawPointer(contexts.baseAddress)
        unsafe options.ctx_out = UnsafeMutableRawPointer(contexts.baseAddress.map { unsafe $0 + 1 })
        unsafe options.ctx_size_in = UInt32(contextSize)
        unsafe options.ctx_size_out = UInt32(contextSize)
      }
      unsafe options.repeat = count
      let status = unsafe bpf_prog_test_run_opts(descriptor, &options)
      let run = unsafe TestRun(
        returnValue: Int32(bitPattern: options.retval), packet: unsafe Array(output.prefix(Int(options.data_size_out))),
        duration: options.duration, context: context == nil ? nil : unsafe SocketBufferContext(contexts[1]))
      return (status, run)
    }
  }
}
