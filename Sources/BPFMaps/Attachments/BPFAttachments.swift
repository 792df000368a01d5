// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
public import LinuxSystem
public import SystemPackage

/// What is attached to a hook, by whomever.
///
/// ```swift
/// let before = try await BPFAttachments.atTrafficControl(.ingress, of: interface, in: namespace)
/// for attached in before.programs { print(attached.program.name, attached.program.user) }
/// try await program.attach(
///   toTrafficControl: .ingress, of: interface, in: namespace, order: .first, expectedRevision: before.revision)
/// ```
///
/// Everything here needs CAP_NET_ADMIN to query and CAP_SYS_ADMIN to look at programs and links of others. A program that
/// ended between the question and the look is left out.
public enum BPFAttachments {
  /// The programs that an interface's packets meet: those at tcx, then the clsact filters by priority.
  ///
  /// Only BPF filters are listed. Packets reach a clsact filter when no program at tcx decided (`TC_ACT_UNSPEC` goes on).
  ///
  /// - Parameters:
  ///   - direction: Received or sent packets.
  ///   - interface: The interface's index in `namespace`.
  ///   - namespace: Where the interface is.
  ///   - includingHolders: Whether to search all processes for descriptors, which takes milliseconds to seconds.
  /// - Returns: Programs in the order in which they run, and the revision of the tcx hook; nil before Linux 6.6.
  /// - Throws: `notFound` for an unknown interface; `permissionDenied`. `BPF_PROG_QUERY`, `RTM_GETTFILTER`
  public static func atTrafficControl(
    _ direction: TrafficControlDirection, of interface: UInt32, in namespace: NetworkNamespace,
    includingHolders: Bool = false
  ) async throws(BPFError) -> AttachedPrograms {
    let operation = "query what is attached to \(direction) of interface \(interface)"
    let query = HookQuery(target: interface, attachType: direction.tcxType)
    let (tcx, filters) = try await BPFError.inside(namespace, operation) {
      (query.run(), FilterList(direction, of: interface))
    }
    if tcx.status != 0, tcx.status != -EINVAL { throw BPFError.kernel(operation, status: tcx.status) }
    if filters.status != 0 { throw BPFError.kernel(operation, status: filters.status) }
    var search = HolderSearch(isWanted: includingHolders)
    var result = AttachedPrograms(
      programs: try programs(tcx, .tcx, &search), revision: tcx.revision == 0 ? nil : tcx.revision)
    for filter in filters.filters {
      guard var attached = try attached(filter.program, link: nil, .trafficControl, &search) else { continue }
      attached.priority = filter.priority
      result.programs.append(attached)
    }
    return result
  }

  /// The programs of a netkit pair's end.
  ///
  /// - Parameters:
  ///   - end: Whose packets.
  ///   - interface: The primary end's index in `namespace`.
  ///   - namespace: Where the primary end is.
  ///   - includingHolders: Whether to search all processes for descriptors.
  /// - Returns: Programs in the order in which they run, and the revision.
  /// - Throws: `notFound` for an unknown interface; `notSupported` before Linux 6.7; `permissionDenied`. `BPF_PROG_QUERY`
  public static func atNetkit(
    _ end: NetkitEnd, of interface: UInt32, in namespace: NetworkNamespace, includingHolders: Bool = false
  ) async throws(BPFError) -> AttachedPrograms {
    let operation = "query what is attached to netkit \(end) of interface \(interface)"
    let query = HookQuery(target: interface, attachType: end.attachType)
    let answer = try await BPFError.inside(namespace, operation) { query.run() }
    if answer.status == -EINVAL, case .missing = BPFFeature.attach(.netkitPrimary).availability() {
      throw BPFError(
        .notSupported, "\(operation): this kernel has no netkit (Linux 6.7 brought it, with CONFIG_NETKIT)")
    }
    if let error = BPFError.netkit(operation, answer.status) { throw error }
    if answer.status != 0 { throw BPFError.kernel(operation, status: answer.status) }
    var search = HolderSearch(isWanted: includingHolders)
    return AttachedPrograms(programs: try programs(answer, .netkit, &search), revision: answer.revision)
  }

  /// The XDP program of an interface; two where one was loaded into the network card.
  ///
  /// - Parameters:
  ///   - interface: The interface's index in `namespace`.
  ///   - namespace: Where the interface is.
  ///   - includingHolders: Whether to search all processes for descriptors.
  /// - Returns: The programs; none has an order or revision.
  /// - Throws: `notFound` for an unknown interface; `permissionDenied`. `RTM_GETLINK`
  public static func atXDP(
    of interface: UInt32, in namespace: NetworkNamespace, includingHolders: Bool = false
  ) async throws(BPFError) -> AttachedPrograms {
    let operation = "query what is attached to XDP of interface \(interface)"
    guard interface > 0, interface <= UInt32(CInt.max) else {
      throw BPFError(.invalidArgument, "\(operation): interface indexes are 1 ... \(CInt.max)")
    }
    let found = try await BPFError.inside(namespace, operation) { XDPPrograms(of: interface) }
    if found.status != 0 { throw BPFError.kernel(operation, status: found.status) }
    var search = HolderSearch(isWanted: includingHolders)
    let links = try found.all.isEmpty ? [] : all()
    var result = AttachedPrograms()
    for program in found.all {
      // A link does not name its namespace: two with the same program and index cannot be told apart.
      let candidates = links.filter { $0.programIdentifier == program && $0.hook == .xdp(interface: interface) }
      let link = candidates.count == 1 ? candidates.first?.identifier : nil
      guard var attached = try attached(program, link: link, .xdp, &search) else { continue }
      attached.xdpMode = program == found.native ? .native : program == found.generic ? .generic : .offload
      result.programs.append(attached)
    }
    return result
  }

  /// The programs of a control group's hook.
  ///
  /// - Parameters:
  ///   - hook: The hook.
  ///   - path: A directory of a cgroup2 file system.
  ///   - isEffective: Whether to list what runs for the group's processes, programs of the groups above included; those
  ///     are named without their attachment.
  ///   - includingHolders: Whether to search all processes for descriptors.
  /// - Returns: Programs in the order in which they run, and from Linux 6.17 on a revision.
  /// - Throws: `notFound`; `notCgroup`; `notSupported` for a hook that this kernel does not know; `permissionDenied`.
  ///   `BPF_PROG_QUERY`
  public static func atCgroup(
    _ hook: CgroupHook, of path: FilePath, isEffective: Bool = false, includingHolders: Bool = false
  ) throws(BPFError) -> AttachedPrograms {
    let operation = "query what is attached to \(hook) of cgroup \"\(path)\""
    let group = try ControlGroup(path, operation)
    let answer = HookQuery(cgroup: group.descriptor.rawValue, hook, effective: isEffective).run()
    if answer.status == -EINVAL {
      throw BPFError(
        .notSupported,
        "\(operation): this kernel has no such hook\(hook.minimumKernel.map { " (Linux \($0) brought it)" } ?? "")",
        errno: .invalidArgument)
    }
    if answer.status != 0 { throw BPFError.kernel(operation, status: answer.status) }
    var search = HolderSearch(isWanted: includingHolders)
    var links = try answer.programs.isEmpty ? [] : all()
    var result = AttachedPrograms(revision: answer.revision == 0 || isEffective ? nil : answer.revision)
    for program in answer.programs {
      // A link stands for one of several runs of the same program.
      let link = links.firstIndex {
        $0.programIdentifier == program && $0.hook == .cgroup(hook, group: group.identifier)
      }.map { links.remove(at: $0) }
      guard let attached = try attached(program, link: link?.identifier, .cgroup, &search) else { continue }
      result.programs.append(attached)
    }
    return result
  }

  /// The programs that choose sockets in a network namespace.
  ///
  /// - Parameters:
  ///   - namespace: Where the sockets are.
  ///   - includingHolders: Whether to search all processes for descriptors.
  /// - Returns: Programs in the order in which they run.
  /// - Throws: `permissionDenied`. `BPF_PROG_QUERY`
  public static func atSocketLookup(
    in namespace: NetworkNamespace, includingHolders: Bool = false
  ) throws(BPFError) -> AttachedPrograms {
    let answer = HookQuery(
      target: UInt32(bitPattern: namespace.descriptor), attachType: BPF_SK_LOOKUP.rawValue
    ).run()
    if answer.status != 0 {
      throw BPFError.kernel(
        "query the socket look-up of network namespace \(namespace.identity.inode)", status: answer.status)
    }
    var search = HolderSearch(isWanted: includingHolders)
    let hook = AttachmentHook.socketLookup(namespace: namespace.identity.inode)
    var links = try answer.programs.isEmpty ? [] : all()
    var result = AttachedPrograms()
    for program in answer.programs {
      let link = links.firstIndex { $0.programIdentifier == program && $0.hook == hook }.map { links.remove(at: $0) }
      guard let attached = try attached(program, link: link?.identifier, .networkNamespace, &search) else { continue }
      result.programs.append(attached)
    }
    return result
  }

  /// Every link of the machine, by identifier: in all network namespaces, of all processes and pins.
  ///
  /// - Returns: The links; clsact filters are none.
  /// - Throws: `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_LINK_GET_NEXT_ID`
  public static func all() throws(BPFError) -> [AttachmentInfo] {
    var links: [AttachmentInfo] = []
    try BPFObjectIdentifiers.forEach(
      "links", next: { unsafe bpf_link_get_next_id($0, &$1) }, open: { bpf_link_get_fd_by_id($0) }
    ) { (descriptor, identifier) throws(BPFError) in
      links.append(try AttachmentInfo(of: descriptor.rawValue, "ask about link \(identifier)"))
    }
    return links
  }

  private static func programs(
    _ answer: HookQuery.Answer, _ mechanism: Attachment.Mechanism, _ search: inout HolderSearch
  ) throws(BPFError) -> [AttachedProgram] {
    var programs: [AttachedProgram] = []
    for (program, link) in zip(answer.programs, answer.links) {
      guard let attached = try attached(program, link: link == 0 ? nil : link, mechanism, &search) else { continue }
      programs.append(attached)
    }
    return programs
  }

  /// nil: the program is gone.
  private static func attached(
    _ program: UInt32, link: UInt32?, _ mechanism: Attachment.Mechanism, _ search: inout HolderSearch
  ) throws(BPFError) -> AttachedProgram? {
    do {
      var attached = AttachedProgram(program: try BPFProgramInfo(identifier: program), mechanism: mechanism)
      attached.attachmentIdentifier = link
      attached.holders = search.holders(link: link, program: program)
      return attached
    } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }
}
