// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc

/// The memory of test runs of one packet: made once, used for many calls. `BPF_PROG_TEST_RUN`
@safe struct TestRunCall: ~Copyable {
  /// What one call said.
  struct Outcome {
    var status: CInt
    var returnValue: UInt32
    /// Whole nanoseconds per run, by the kernel's clock.
    var duration: UInt32
    var packetSize: Int
  }

  private let memory: UnsafeMutableRawBufferPointer
  private let packet: Range<Int>
  private let output: Range<Int>
  private let contextIn: Range<Int>
  private let contextOut: Range<Int>
  /// `BPF_F_TEST_RUN_ON_CPU` and the processor.
  var processor: UInt32?
  /// Whether the kernel is asked for the context afterwards; raw tracepoints refuse to be.
  var wantsContext: Bool

  /// Copies packet and context; an empty one is not handed over.
  init(packet bytes: [UInt8], context: [UInt8]) {
    func aligned(_ size: Int) -> Int { (size + 15) & ~15 }
    let contextSize = aligned(context.count)
    contextIn = 0..<context.count
    wantsContext = !context.isEmpty
    contextOut = contextSize..<contextSize + context.count
    let start = 2 * contextSize
    packet = start..<start + bytes.count
    let outputStart = start + aligned(bytes.count)
    // Room for what a program may put in front and behind.
    output = bytes.isEmpty ? outputStart..<outputStart : outputStart..<outputStart + bytes.count + 65_536 + 4096
    unsafe memory = .allocate(byteCount: max(output.upperBound, 1), alignment: 16)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe UnsafeMutableRawBufferPointer(rebasing: memory[contextIn]).copyBytes(from: context)
    unsafe UnsafeMutableRawBufferPointer(rebasing: memory[packet]).copyBytes(from: bytes)
  }

  deinit { unsafe memory.deallocate() }

  /// Runs the program; allocates nothing.
  ///
  /// - Parameters:
  ///   - program: The program's descriptor.
  ///   - count: How often; 0 for types of program that the kernel runs once.
  /// - Returns: What the kernel said.
  borrowing func run(_ program: CInt, repeat count: Int32) -> Outcome {
    var outcome = once(program, count)
    // EINTR, EAGAIN: a signal came in between.
    for _ in 0..<8 where outcome.status == -4 || outcome.status == -11 { outcome = once(program, count) }
    return outcome
  }

  private borrowing func once(_ program: CInt, _ count: Int32) -> Outcome {
    let base = unsafe UnsafeMutableRawPointer(memory.baseAddress)
    return unsafe withZeroed(bpf_test_run_opts.self) { options in
      unsafe options.sz = unsafe MemoryLayout<bpf_test_run_opts>.size
      if !packet.isEmpty {
        unsafe options.data_in = UnsafeRawPointer(base.map { unsafe $0 + packet.lowerBound })
        unsafe options.data_size_in = UInt32(clamping: packet.count)
        unsafe options.data_out = base.map { unsafe $0 + output.lowerBound }
        unsafe options.data_size_out = UInt32(clamping: output.count)
      }
      if !contextIn.isEmpty {
        unsafe options.ctx_in = UnsafeRawPointer(base.map { unsafe $0 + contextIn.lowerBound })
        unsafe options.ctx_size_in = UInt32(contextIn.count)
      }
      if wantsContext {
        unsafe options.ctx_out = base.map { unsafe $0 + contextOut.lowerBound }
        unsafe options.ctx_size_out = UInt32(contextOut.count)
      }
      if let processor {
        unsafe options.flags = 1
        unsafe options.cpu = processor
      }
      unsafe options.repeat = count
      let status = unsafe bpf_prog_test_run_opts(program, &options)
      return unsafe Outcome(
        status: status, returnValue: options.retval, duration: options.duration, packetSize: Int(options.data_size_out))
    }
  }

  /// The packet as the last run left it.
  func result(_ outcome: Outcome) -> [UInt8] {
    unsafe Array(memory[output].prefix(outcome.packetSize))
  }

  /// The context as the last run left it, lent as the struct that it was given as; nil: there was none.
  func withContext<Context, Result>(as type: Context.Type, _ body: (Context) -> Result) -> Result? {
    guard contextOut.count == MemoryLayout<Context>.size, let base = unsafe memory.baseAddress else { return nil }
    return unsafe body((base + contextOut.lowerBound).assumingMemoryBound(to: Context.self).pointee)
  }

  /// Whether the last run left the packet as it was.
  func keptPacket(_ outcome: Outcome) -> Bool {
    guard outcome.packetSize == packet.count, let base = unsafe memory.baseAddress else { return packet.isEmpty }
    return unsafe memcmp(base + packet.lowerBound, base + output.lowerBound, packet.count) == 0
  }
}

/// The bytes of a C struct whose padding is zero.
func bytes<Context>(of type: Context.Type, _ fill: (inout Context) -> Void) -> [UInt8] {
  withZeroed(Context.self) { context in
    fill(&context)
    return unsafe withUnsafeBytes(of: &context) { unsafe Array($0) }
  }
}
