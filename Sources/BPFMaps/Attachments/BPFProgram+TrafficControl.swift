// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
public import LinuxSystem
internal import SystemPackage

extension BPFProgram {
  /// Attaches a `SEC("tc")` program to an interface.
  ///
  /// Interface indexes are numbers of one namespace: the kernel call is made inside `namespace`.
  ///
  /// - Parameters:
  ///   - direction: Received or sent packets.
  ///   - interface: The interface's index in `namespace`.
  ///   - namespace: Where the interface is.
  ///   - priority: Order among clsact filters, 1 ... 65535, lowest first; tcx programs run in order of attachment,
  ///     before all clsact filters.
  ///   - mechanism: tcx or clsact; by default tcx where the kernel has it.
  ///   - order: Its place among the tcx programs of the hook; by default the last. Programs of other owners need not have a
  ///     link: ``BPFAttachments`` lists them.
  ///   - expectedRevision: Refuses when what is attached is not what a query with this revision saw; tcx only.
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notFound` for an unknown interface, and when what `order` names is not attached; `notSupported` for
  ///   ``TrafficControlMechanism/tcx`` before Linux 6.6, and for an order or revision at clsact; `invalidArgument` for
  ///   another type of program; `alreadyExists` for a program that is at that hook already; `busy` for egress where an
  ///   `ingress` qdisc has clsact's place, and for another revision; `full` beyond 64; `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN, and CAP_SYS_ADMIN to enter another namespace. `BPF_LINK_CREATE`, `RTM_NEWTFILTER`
  public borrowing func attach(
    toTrafficControl direction: TrafficControlDirection, of interface: UInt32, in namespace: NetworkNamespace,
    priority: UInt16 = 1, mechanism: TrafficControlMechanism = .automatic, order: AttachmentOrder = .last,
    expectedRevision: UInt64? = nil
  ) async throws(BPFError) -> Attachment {
    let hook = "\(direction) of interface \(interface)"
    guard interface > 0, interface <= UInt32(CInt.max) else {
      throw BPFError(.invalidArgument, "attach program \"\(name)\" to \(hook): interface indexes are 1 ... \(CInt.max)")
    }
    guard priority > 0 else {
      throw BPFError(.invalidArgument, "attach program \"\(name)\" to \(hook): priority 0; priorities are 1 ... 65535")
    }
    // Where the probe could not be made, the attempt tells.
    let tcx: BPFFeature.Availability? = mechanism == .clsact ? nil : BPFFeature.tcx.availability()
    var hasTCX = tcx == .available
    if case .unknown? = tcx { hasTCX = true }
    if mechanism == .tcx, !hasTCX {
      throw BPFError(
        .notSupported,
        "attach program \"\(name)\" to tcx \(hook): this kernel has no tcx (Linux 6.6 brought it); use clsact")
    }
    let request = LinkRequest(
      program: descriptor, target: interface, attachType: direction.tcxType, order: order,
      expectedRevision: expectedRevision)
    if hasTCX {
      let operation = "attach program \"\(name)\" to tcx \(hook)"
      let result = try await BPFError.inside(namespace, operation) { request.create() }
      if result >= 0 {
        return Attachment(.link(OwnedFileDescriptor(taking: result)), .tcx, "program \"\(name)\" at tcx \(hook)")
      }
      // EINVAL is also how a kernel refuses a hook that it does not know.
      guard result == -22, mechanism == .automatic, tcx != .available else { throw failure(operation, request, result) }
    }
    guard !request.isOrdered else {
      throw BPFError(
        .notSupported,
        "attach program \"\(name)\" to clsact \(hook), \(order): clsact filters are ordered by priority alone; give one, or use tcx (Linux 6.6)"
      )
    }
    let filter = try await TrafficControlFilter.add(
      program: descriptor, name: name, direction, interface: interface, in: namespace, priority: priority)
    return Attachment(.filter(filter), .trafficControl, filter.description)
  }

  /// Attaches a `SEC("tc")` program to a netkit pair: it sees what one end sends.
  ///
  /// - Parameters:
  ///   - end: Whose packets; both are attached through the primary end.
  ///   - interface: The primary end's index in `namespace`.
  ///   - namespace: Where the primary end is.
  ///   - order: Its place among the pair's programs.
  ///   - expectedRevision: Refuses when what is attached is not what a query with this revision saw.
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notFound` for an unknown interface, and when what `order` names is not attached; `notSupported` before
  ///   Linux 6.7 or without `CONFIG_NETKIT`; `invalidArgument` for another kind of interface or type of program;
  ///   `alreadyExists`; `busy` for another revision; `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN, and CAP_SYS_ADMIN to enter another namespace. `BPF_LINK_CREATE`
  public borrowing func attach(
    toNetkit end: NetkitEnd, of interface: UInt32, in namespace: NetworkNamespace, order: AttachmentOrder = .last,
    expectedRevision: UInt64? = nil
  ) async throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" to netkit \(end) of interface \(interface)"
    guard interface > 0, interface <= UInt32(CInt.max) else {
      throw BPFError(.invalidArgument, "\(operation): interface indexes are 1 ... \(CInt.max)")
    }
    let request = LinkRequest(
      program: descriptor, target: interface, attachType: end.attachType, order: order,
      expectedRevision: expectedRevision)
    let hasNetkit = BPFFeature.attach(.netkitPrimary).isAvailable
    let result = try await BPFError.inside(namespace, operation) { request.create() }
    guard result >= 0 else {
      if result == -22, !hasNetkit {
        throw BPFError(
          .notSupported, "\(operation): this kernel has no netkit (Linux 6.7 brought it, with CONFIG_NETKIT); use tcx",
          errno: .invalidArgument)
      }
      if let error = BPFError.netkit(operation, result) { throw error }
      throw failure(operation, request, result)
    }
    return Attachment(
      .link(OwnedFileDescriptor(taking: result)), .netkit,
      "program \"\(name)\" at netkit \(end) of interface \(interface)")
  }

  private borrowing func failure(_ operation: String, _ request: LinkRequest, _ status: CInt) -> BPFError {
    if let error = request.orderFailure(operation, status) { return error }
    if status == -22 {
      return BPFError(
        .invalidArgument,
        "\(operation): invalid argument; only SEC(\"tc\") programs attach there, this one is \(kindInWords)",
        errno: .invalidArgument)
    }
    return BPFError.kernel(operation, status: status)
  }
}

extension BPFError {
  /// A refusal of what is no primary end of a netkit pair; nil: another one.
  static func netkit(_ operation: String, _ status: CInt) -> BPFError? {
    // ENXIO: another kind of interface; EACCES: the peer's end.
    guard status == -6 || status == -13 else { return nil }
    return BPFError(
      .invalidArgument,
      "\(operation): the interface is \(status == -6 ? "no netkit device" : "the peer's end"); give the pair's primary end",
      errno: .init(rawValue: -status))
  }

  /// Runs a call on a thread inside a namespace.
  static func inside<Result: Sendable>(
    _ namespace: NetworkNamespace, _ operation: String, _ body: @escaping @Sendable () -> Result
  ) async throws(BPFError) -> Result {
    do {
      return try await namespace.run { body() }
    } catch let error as SystemError {
      throw BPFError(
        error.code == .permissionDenied ? .permissionDenied : .systemCall, "\(operation): \(error.message)",
        errno: error.errno)
    } catch {
      throw BPFError(.systemCall, "\(operation): \(error)")
    }
  }
}
