// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
public import NetworkTypes
internal import SystemPackage

/// A connection or datagram that looks for its socket. `struct bpf_sk_lookup`
public struct SocketLookupContext: Sendable, Hashable {
  /// TCP or UDP.
  public var transport: IPProtocol
  /// The sender's address.
  public var remote: IPAddress
  /// The sender's port.
  public var remotePort: UInt16
  /// The receiver's address, of the same family.
  public var local: IPAddress
  /// The receiver's port.
  public var localPort: UInt16

  /// A packet on its way to a socket; the kernel lets no test give its interface.
  public init(
    _ transport: IPProtocol, from remote: IPAddress, port remotePort: UInt16, to local: IPAddress,
    port localPort: UInt16
  ) {
    self.transport = transport
    self.remote = remote
    self.remotePort = remotePort
    self.local = local
    self.localPort = localPort
  }

  func write(to raw: inout bpf_sk_lookup) {
    func words(_ address: IPv6Address) -> (UInt32, UInt32, UInt32, UInt32) {
      (
        UInt32(truncatingIfNeeded: address.high >> 32).bigEndian, UInt32(truncatingIfNeeded: address.high).bigEndian,
        UInt32(truncatingIfNeeded: address.low >> 32).bigEndian, UInt32(truncatingIfNeeded: address.low).bigEndian
      )
    }
    unsafe raw.family = 2
    unsafe raw.protocol = UInt32(transport.rawValue)
    unsafe raw.remote_port = remotePort.bigEndian
    unsafe raw.local_port = UInt32(localPort)
    switch remote {
    case .v4(let address): unsafe raw.remote_ip4 = address.networkOrder
    case .v6(let address):
      unsafe raw.family = 10
      unsafe raw.remote_ip6 = words(address)
    }
    switch local {
    case .v4(let address): unsafe raw.local_ip4 = address.networkOrder
    case .v6(let address): unsafe raw.local_ip6 = words(address)
    }
  }
}

/// What a socket look-up program decided.
public struct SocketLookupTestRun: Sendable, Hashable {
  /// Whether it lets the packet go on (`SK_PASS`); false: it refuses.
  public var passes: Bool
  /// The cookie of the socket that it chose; nil: none, so that the kernel looks for one as ever. `SO_COOKIE`
  public var socketCookie: UInt64?
}

extension BPFProgram {
  /// Asks a `SEC("sk_lookup")` program about a packet that nobody sent.
  ///
  /// - Parameter context: The packet's addresses.
  /// - Returns: Whether it lets the packet go on, and to which socket.
  /// - Throws: `invalidArgument` for another type of program, or addresses of two families; `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN and CAP_BPF. `BPF_PROG_TEST_RUN`
  public borrowing func test(socketLookup context: SocketLookupContext) throws(BPFError) -> SocketLookupTestRun {
    let operation = "test-run socket look-up program \"\(name)\""
    guard try info().rawType == UInt32(BPF_PROG_TYPE_SK_LOOKUP.rawValue) else {
      throw BPFError(.invalidArgument, "\(operation): the program is \(kindInWords)")
    }
    switch (context.remote, context.local) {
    case (.v4, .v4), (.v6, .v6): break
    default: throw BPFError(.invalidArgument, "\(operation): one address is IPv4, the other IPv6")
    }
    let call = TestRunCall(packet: [], context: unsafe bytes(of: bpf_sk_lookup.self) { unsafe context.write(to: &$0) })
    let outcome = call.run(descriptor, repeat: 1)
    try check(outcome.status, operation)
    let cookie = unsafe call.withContext(as: bpf_sk_lookup.self) { unsafe $0.cookie } ?? 0
    return SocketLookupTestRun(passes: outcome.returnValue == 1, socketCookie: cookie == 0 ? nil : cookie)
  }

  /// Runs a `SEC("raw_tp")` program as if its tracepoint had been passed.
  ///
  /// - Parameters:
  ///   - arguments: The tracepoint's arguments; the kernel wants as many as the program reads.
  ///   - processor: The processor to run on; nil: where the caller is.
  /// - Returns: What the program returned.
  /// - Throws: `invalidArgument` for another type of program, too few arguments, or a processor that is not there;
  ///   `permissionDenied`.
  /// - Requires: CAP_BPF and CAP_PERFMON, Linux 5.10. `BPF_PROG_TEST_RUN`
  public borrowing func test(rawTracepoint arguments: [UInt64], onProcessor processor: UInt32? = nil) throws(BPFError)
    -> Int32
  {
    let operation = "test-run raw tracepoint program \"\(name)\" with \(arguments.count) arguments"
    var call = TestRunCall(
      packet: [], context: unsafe arguments.withUnsafeBytes { unsafe Array($0) })
    call.processor = processor
    call.wantsContext = false
    let outcome = call.run(descriptor, repeat: 0)
    switch outcome.status {
    case -22:
      throw BPFError(
        .invalidArgument,
        "\(operation): invalid argument; it reads more arguments than are given, or is no raw tracepoint program but \(kindInWords)",
        errno: .invalidArgument)
    case -6:
      throw BPFError(
        .invalidArgument, "\(operation): there is no processor \(processor ?? 0)", errno: .init(rawValue: 6))
    default: try check(outcome.status, operation)
    }
    return Int32(bitPattern: outcome.returnValue)
  }
}
