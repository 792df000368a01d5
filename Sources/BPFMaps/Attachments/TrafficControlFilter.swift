// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// A direct-action BPF filter of ours at a clsact qdisc.
final class TrafficControlFilter: Sendable {
  private struct Place: Sendable {
    var interface: UInt32
    var direction: TrafficControlDirection
    var priority: UInt32
    var handle: UInt32
    /// Tells our filter from another that took its place.
    var program: UInt32
  }

  private let namespace: NetworkNamespace
  /// nil: removed, or left in place on purpose.
  private let place: Mutex<Place?>
  let description: String

  private init(_ namespace: NetworkNamespace, _ place: Place, program: String) {
    self.namespace = namespace
    self.place = Mutex(place)
    description =
      "program \"\(program)\" at clsact \(place.direction) of interface \(place.interface), priority \(place.priority)"
  }

  deinit {
    guard let place = place.withLock({ $0 }) else { return }
    let namespace = namespace
    Task.detached { try? await namespace.run { _ = Self.remove(place) } }
  }

  /// Adds the qdisc if need be, then the filter, under a handle that the kernel chooses.
  static func add(
    program: CInt, name: String, _ direction: TrafficControlDirection, interface: UInt32,
    in namespace: NetworkNamespace,
    priority: UInt16
  ) async throws(BPFError) -> TrafficControlFilter {
    let operation = "attach program \"\(name)\" to clsact \(direction) of interface \(interface)"
    let (status, place, words) = try await BPFError.inside(namespace, operation) {
      let ((status, place), words) = LibbpfMessages.collect {
        add(
          program, Place(interface: interface, direction: direction, priority: UInt32(priority), handle: 0, program: 0))
      }
      return (status, place, words)
    }
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
    if status != 0 { throw BPFError.kernel(operation, status: status, words: words) }
    return TrafficControlFilter(namespace, place, program: name)
  }

  func leaveInPlace() { place.withLock { $0 = nil } }

  /// Puts another program into the filter, in one step.
  func replaceProgram(with program: CInt, name: String, ifStill expected: UInt32? = nil) async throws(BPFError) {
    let operation = "replace \(description) by \"\(name)\""
    guard place.withLock({ $0 }) != nil else { throw BPFError(.notFound, "\(operation): it is detached") }
    let ((status, held), words) = try await BPFError.inside(namespace, operation) { [self] in
      LibbpfMessages.collect {
        // Under the lock, on the namespace's thread: a second replacement has to see what the first one put there.
        self.place.withLock { place -> (CInt, UInt32) in
          guard let now = place else { return (-2, 0) }
          if let expected, now.program != expected { return (-16, now.program) }
          let (status, identifier) = Self.replace(now, program)
          if status == 0 { place?.program = identifier }
          return (status, identifier)
        }
      }
    }
    if status == -16, let expected, held != 0 {
      throw BPFError(.busy, "\(operation): the filter holds program \(held), not \(expected)")
    }
    if status != 0 { throw BPFError.kernel(operation, status: status, words: words) }
  }

  func remove() async throws(BPFError) {
    // Forgotten only when it is gone: after an error the last reference tries once more.
    guard let place = place.withLock({ $0 }) else { return }
    let status = try await BPFError.inside(namespace, "detach \(description)") { Self.remove(place) }
    if status != 0 { throw BPFError.kernel("detach \(description)", status: status) }
    self.place.withLock { $0 = nil }
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

  private static func add(_ program: CInt, _ wanted: Place) -> (CInt, Place) {
    withHook(wanted) { hook in
      let made = unsafe bpf_tc_hook_create(&hook)
      guard made == 0 || made == -17 else { return (made, wanted) }
      let (status, place) = attach(program, wanted, &hook)
      guard status == 0, made != 0, place.direction == .egress, isAtIngress(place) else { return (status, place) }
      // Only removal tells a filter that is in both lists from two filters of one program under the same numbers.
      _ = withOptions(place) { unsafe bpf_tc_detach(&hook, &$0) }
      return isAtIngress(place) ? attach(program, place, &hook) : (-16, place)
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
  private static func isAtIngress(_ place: Place) -> Bool {
    var other = place
    other.direction = .ingress
    return withHook(other) { look(other, &$0) == 0 }
  }

  /// Removes the filter if its place still holds our program.
  ///
  /// Gone already (interface, qdisc or filter): 0.
  private static func remove(_ place: Place) -> CInt {
    LibbpfMessages.silence()
    return withHook(place) { hook in
      let found = look(place, &hook)
      guard found == 0 else { return found == -2 ? 0 : found }
      let status = withOptions(place) { unsafe bpf_tc_detach(&hook, &$0) }
      return status == -2 || status == -19 ? 0 : status
    }
  }

  /// Replaces the filter if its place still holds our program; else ENOENT.
  private static func replace(_ place: Place, _ program: CInt) -> (CInt, UInt32) {
    withHook(place) { hook in
      let found = look(place, &hook)
      guard found == 0 else { return (found, 0) }
      return withOptions(place) { options in
        options.prog_fd = program
        options.flags = BPF_TC_F_REPLACE.rawValue
        let status = unsafe bpf_tc_attach(&hook, &options)
        return (status, options.prog_id)
      }
    }
  }

  /// 0: our program is there; ENOENT: it is gone, or another took its place; else why nobody can tell.
  private static func look(_ place: Place, _ hook: inout bpf_tc_hook) -> CInt {
    withOptions(place) { options in
      let status = unsafe bpf_tc_query(&hook, &options)
      // No interface (ENODEV), no qdisc or chain (EINVAL).
      if status == -19 || status == -22 { return -2 }
      return status == 0 && options.prog_id != place.program ? -2 : status
    }
  }
}
