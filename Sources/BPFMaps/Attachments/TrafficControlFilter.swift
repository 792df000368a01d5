// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Dispatch
internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// A direct-action BPF filter of ours at a clsact qdisc.
///
/// It keeps a socket in the interface's namespace: to remove a filter must not depend on descriptors or threads that a
/// process in trouble does not get.
final class TrafficControlFilter: Sendable {
  private struct Place: Sendable {
    var interface: UInt32
    var direction: TrafficControlDirection
    var priority: UInt32
    var handle: UInt32
    /// Tells our filter from another that took its place.
    var program: UInt32
  }

  /// What asks the kernel, one request after the other, and may outlive the filter's owner.
  private final class Line: Sendable {
    private let socket: RouteSocket
    private let queue = DispatchQueue(label: "terwaykit.filter")

    init(_ socket: consuming RouteSocket) { self.socket = socket }

    /// Runs `body` on the calling thread, while nothing else can be asked yet.
    func begin<Result>(_ body: (borrowing RouteSocket) -> Result) -> Result { body(socket) }

    /// Runs `body` after what was asked before, and awaits its end: the kernel may wait for others who configure.
    func ask<Result: Sendable>(_ body: @escaping @Sendable (borrowing RouteSocket) -> Result) async -> Result {
      await withCheckedContinuation { continuation in
        queue.async { continuation.resume(returning: body(self.socket)) }
      }
    }

    /// The same without an answer.
    func tell(_ body: @escaping @Sendable (borrowing RouteSocket) -> Void) { queue.async { body(self.socket) } }
  }

  private let line: Line
  /// Written on the line's queue; nil: removed, or left in place on purpose.
  private let place: Mutex<Place?>
  let description: String

  private init(_ line: Line, _ place: Place, program: String) {
    self.line = line
    self.place = Mutex(place)
    description =
      "program \"\(program)\" at clsact \(place.direction) of interface \(place.interface), priority \(place.priority)"
  }

  deinit {
    guard let place = place.withLock({ $0 }) else { return }
    line.tell { _ = Self.remove(place, $0) }
  }

  /// Adds the qdisc if need be, then the filter, under a handle that the kernel chooses.
  static func add(
    program: CInt, name: String, _ direction: TrafficControlDirection, interface: UInt32,
    in namespace: NetworkNamespace,
    priority: UInt16
  ) async throws(BPFError) -> TrafficControlFilter {
    let operation = "attach program \"\(name)\" to clsact \(direction) of interface \(interface)"
    let wanted = Place(interface: interface, direction: direction, priority: UInt32(priority), handle: 0, program: 0)
    let added = try await BPFError.inside(namespace, operation) { add(program, wanted) }
    let (status, words) = (added.outcome.status, added.outcome.words)
    if status == -16 {
      throw BPFError(
        .busy, "\(operation): an ingress qdisc has the place of clsact, and serves no egress; remove it first",
        errno: .resourceBusy)
    }
    if status == -22 {
      throw BPFError(
        .invalidArgument,
        "\(operation): invalid argument; is it a SEC(\"tc\") program? (\(words.last ?? "no more is known"))",
        errno: .init(rawValue: 22))
    }
    guard status == 0, let line = added.line else {
      throw BPFError.kernel(operation, status: status, words: words)
    }
    return TrafficControlFilter(line, added.place, program: name)
  }

  func leaveInPlace() { place.withLock { $0 = nil } }

  /// Puts another program into the filter, in one step.
  func replaceProgram(
    with program: CInt, _ identifier: UInt32, name: String, ifStill expected: UInt32? = nil
  ) async throws(BPFError) {
    let operation = "replace \(description) by \"\(name)\""
    let (outcome, held) = await line.ask { socket -> (RouteSocket.Outcome, UInt32?) in
      // On the line's queue: a second replacement has to see what the first one put there.
      guard var now = self.place.withLock({ $0 }) else { return (RouteSocket.Outcome(status: -ENOENT), nil) }
      if let expected, now.program != expected { return (RouteSocket.Outcome(status: -EBUSY), now.program) }
      let outcome = Self.replace(now, program, identifier, name: name, socket)
      if outcome.status == 0 {
        now.program = identifier
        self.place.withLock { $0 = now }
      }
      return (outcome, nil)
    }
    if let expected, let held {
      throw BPFError(.busy, "\(operation): the filter holds program \(held), not \(expected)")
    }
    if outcome.status != 0 { throw BPFError.kernel(operation, status: outcome.status, words: outcome.words) }
  }

  /// Removes it, and waits for that.
  func remove() async throws(BPFError) {
    let outcome = await line.ask { socket -> RouteSocket.Outcome in
      // Forgotten only when it is gone: after an error the last reference tries once more.
      guard let place = self.place.withLock({ $0 }) else { return RouteSocket.Outcome(status: 0) }
      let outcome = Self.remove(place, socket)
      if outcome.status == 0 { self.place.withLock { $0 = nil } }
      return outcome
    }
    if outcome.status != 0 {
      throw BPFError.kernel("detach \(description)", status: outcome.status, words: outcome.words)
    }
  }

  private static func withHook<Result>(_ place: Place, _ body: (inout bpf_tc_hook) -> Result) -> Result {
    withZeroed(bpf_tc_hook.self) { hook in
      hook.sz = MemoryLayout<bpf_tc_hook>.size
      hook.ifindex = CInt(place.interface)
      hook.attach_point = place.direction == .ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS
      return body(&hook)
    }
  }

  private static func withOptions<Result>(_ place: Place, _ body: (inout bpf_tc_opts) -> Result) -> Result {
    withZeroed(bpf_tc_opts.self) { options in
      options.sz = MemoryLayout<bpf_tc_opts>.size
      options.handle = place.handle
      options.priority = place.priority
      return body(&options)
    }
  }

  /// What came of adding a filter; without a line, nothing was tried.
  private struct Addition: Sendable {
    var outcome: RouteSocket.Outcome
    var place: Place
    var line: Line?
  }

  /// Runs in the interface's namespace.
  private static func add(_ program: CInt, _ wanted: Place) -> Addition {
    do throws(Errno) {
      // First: what could not be removed is not added.
      let line = Line(try RouteSocket())
      let ((status, place), words) = LibbpfMessages.collect { line.begin { add(program, wanted, $0) } }
      return Addition(outcome: RouteSocket.Outcome(status: status, words: words), place: place, line: line)
    } catch {
      return Addition(outcome: RouteSocket.Outcome(status: -error.rawValue), place: wanted)
    }
  }

  private static func add(_ program: CInt, _ wanted: Place, _ socket: borrowing RouteSocket) -> (CInt, Place) {
    withHook(wanted) { hook in
      let made = unsafe bpf_tc_hook_create(&hook)
      guard made == 0 || made == -17 else { return (made, wanted) }
      let (status, place) = attach(program, wanted, &hook)
      guard status == 0, made != 0, place.direction == .egress, isAtIngress(place, socket) else {
        return (status, place)
      }
      // Only removal tells a filter that is in both lists from two filters of one program under the same numbers.
      _ = remove(place, socket)
      return isAtIngress(place, socket) ? attach(program, place, &hook) : (-16, place)
    }
  }

  private static func attach(_ program: CInt, _ wanted: Place, _ hook: inout bpf_tc_hook) -> (CInt, Place) {
    withOptions(wanted) { options in
      options.prog_fd = program
      let status = unsafe bpf_tc_attach(&hook, &options)
      var place = wanted
      place.handle = options.handle
      place.priority = options.priority
      place.program = options.prog_id
      return (status, place)
    }
  }

  /// Whether ingress, too, has our program under the filter's numbers.
  ///
  /// The qdiscs `ingress` and `clsact` share a place on the interface. The former has one list, and takes into it what is
  /// meant for egress: such a filter would see the received packets.
  private static func isAtIngress(_ place: Place, _ socket: borrowing RouteSocket) -> Bool {
    var other = place
    other.direction = .ingress
    return look(other, socket).status == 0
  }

  /// Removes the filter if its place still holds our program.
  ///
  /// Gone already (interface, qdisc or filter): 0.
  private static func remove(_ place: Place, _ socket: borrowing RouteSocket) -> RouteSocket.Outcome {
    let found = look(place, socket)
    guard found.status == 0 else { return found.status == -ENOENT ? RouteSocket.Outcome(status: 0) : found }
    let outcome = socket.exchange(message(place).request(45, attributes: FilterMessage.kindOfBPF))
    // It may have gone in between.
    return outcome.status == 0 || look(place, socket).status == -ENOENT ? RouteSocket.Outcome(status: 0) : outcome
  }

  /// Replaces the filter if its place still holds our program; else ENOENT.
  private static func replace(
    _ place: Place, _ program: CInt, _ identifier: UInt32, name: String, _ socket: borrowing RouteSocket
  ) -> RouteSocket.Outcome {
    let found = look(place, socket)
    guard found.status == 0 else { return found }
    // Named as libbpf does. Without the flag that creates: a filter that goes in between is not made anew.
    let label = "\(String(decoding: name.utf8.prefix(15), as: UTF8.self)):[\(identifier)]"
    return socket.exchange(
      message(place).request(
        44, flags: RouteSocket.Request.replace, attributes: FilterMessage.options(program: program, name: label)))
  }

  /// 0: our program is there; ENOENT: it is gone, or another took its place; else why nobody can tell.
  private static func look(_ place: Place, _ socket: borrowing RouteSocket) -> RouteSocket.Outcome {
    var program: UInt32?
    let outcome = socket.exchange(message(place).request(46, reply: 44)) { payload in
      program = FilterMessage(parsing: payload)?.program
    }
    // No interface (ENODEV), no qdisc or chain (EINVAL).
    let isGone = outcome.status == -ENODEV || outcome.status == -EINVAL
    if isGone || outcome.status == 0 && program != place.program { return RouteSocket.Outcome(status: -ENOENT) }
    return outcome
  }

  private static func message(_ place: Place) -> FilterMessage {
    var message = FilterMessage(interface: place.interface, parent: place.direction.parent)
    message.handle = place.handle
    message.priority = UInt16(truncatingIfNeeded: place.priority)
    return message
  }
}
