// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import SystemPackage

/// What an XDP program decides. `enum xdp_action`
public enum XDPVerdict: Sendable, Hashable {
  /// The program failed; the packet is dropped.
  case aborted
  /// The packet is dropped.
  case drop
  /// The packet goes up the stack.
  case pass
  /// The packet goes out where it came in.
  case transmit
  /// The packet goes elsewhere.
  case redirect
  /// Another number, which the kernel takes as aborted.
  case other(UInt32)

  init(_ number: UInt32) {
    switch number {
    case 0: self = .aborted
    case 1: self = .drop
    case 2: self = .pass
    case 3: self = .transmit
    case 4: self = .redirect
    default: self = .other(number)
    }
  }
}

/// What an XDP program finds around the packet. `struct xdp_md`
public struct XDPContext: Sendable, Hashable {
  /// The interface that received the packet, which must exist in the calling thread's namespace; 0: loopback.
  public var ingressInterface: UInt32
  /// The queue of that interface; 0 without an interface.
  public var receiveQueue: UInt32
  /// What an earlier program put in front of the packet: a multiple of 4 bytes, at most 32 before Linux 6.4.
  public var metadata: [UInt8]

  /// A context; everything is zero unless given.
  public init(ingressInterface: UInt32 = 0, receiveQueue: UInt32 = 0, metadata: [UInt8] = []) {
    self.ingressInterface = ingressInterface
    self.receiveQueue = receiveQueue
    self.metadata = metadata
  }
}

/// What an XDP program did with a packet.
public struct XDPTestRun: Sendable, Hashable {
  /// What it decided.
  public var verdict: XDPVerdict
  /// The packet afterwards.
  public var packet: [UInt8]
  /// What is in front of it afterwards, for programs that come after.
  public var context: XDPContext
  /// Mean time of a run, in whole nanoseconds.
  public var duration: UInt32
}

extension BPFProgram {
  /// Runs an XDP program in the kernel on a packet that nobody received.
  ///
  /// Maps are read and written as ever; a redirected packet goes nowhere.
  ///
  /// - Parameters:
  ///   - packet: From the Ethernet header on, at least 14 bytes, without room for more than about 3,500.
  ///   - context: Where it came from, and what is in front of it.
  /// - Returns: Verdict, packet and metadata.
  /// - Throws: `invalidArgument` for another type of program, a packet that is too short or too long, metadata of a length
  ///   that cannot be, or an interface or queue that is not there; `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN and CAP_BPF. `BPF_PROG_TEST_RUN`
  public borrowing func test(xdp packet: [UInt8], context: XDPContext = XDPContext()) throws(BPFError) -> XDPTestRun {
    let operation = "test-run XDP program \"\(name)\" on \(packet.count) bytes"
    guard try info().rawType == UInt32(BPF_PROG_TYPE_XDP.rawValue) else {
      throw BPFError(.invalidArgument, "\(operation): the program is \(kindInWords); use test(packet:context:repeat:)")
    }
    guard context.metadata.count % 4 == 0 else {
      throw BPFError(
        .invalidArgument, "\(operation): metadata of \(context.metadata.count) bytes; it is a multiple of 4 bytes")
    }
    let input = context.metadata + packet
    let call = TestRunCall(
      packet: input,
      context: bytes(of: xdp_md.self) { raw in
        raw.data = UInt32(context.metadata.count)
        raw.data_end = UInt32(clamping: input.count)
        raw.ingress_ifindex = context.ingressInterface
        raw.rx_queue_index = context.receiveQueue
      })
    let outcome = call.run(descriptor, repeat: 1)
    if outcome.status == -22, !context.metadata.isEmpty {
      throw BPFError(
        .invalidArgument,
        "\(operation): invalid argument; metadata has at most 32 bytes before Linux 6.4, and the interface and queue must exist here",
        errno: .init(rawValue: 22))
    }
    try check(outcome.status, operation)
    let output = call.result(outcome)
    let after = call.withContext(as: xdp_md.self) { ($0.data, $0.ingress_ifindex, $0.rx_queue_index) } ?? (0, 0, 0)
    let start = min(Int(after.0), output.count)
    return XDPTestRun(
      verdict: XDPVerdict(outcome.returnValue), packet: Array(output[start...]),
      context: XDPContext(ingressInterface: after.1, receiveQueue: after.2, metadata: Array(output[..<start])),
      duration: outcome.duration)
  }
}
