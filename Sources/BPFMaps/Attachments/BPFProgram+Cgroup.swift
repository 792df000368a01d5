// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
public import SystemPackage

extension BPFProgram {
  /// Attaches a program to a control group: it sees the sockets of that group and of all below it.
  ///
  /// Several programs may be attached to one hook of one group; each has to allow. A program of another owner that was
  /// attached without `BPF_F_ALLOW_MULTI` is the one thing in the way.
  ///
  /// - Parameters:
  ///   - path: A directory of a cgroup2 file system.
  ///   - hook: The hook that the program's `SEC("cgroup/…")` names.
  ///   - order: Its place among the programs of the same group; those of the groups below run before. Anything but last
  ///     needs Linux 6.17.
  ///   - expectedRevision: Refuses when what is attached is not what a query with this revision saw. Linux 6.17
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notFound` for the directory or what `order` names; `notCgroup` for another directory; `invalidArgument` for
  ///   a program of another hook; `notSupported` for an order or hook that this kernel does not know; `busy`;
  ///   `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN for packets (`ingress`, `egress`); for the other hooks the kernel asks for it when the program
  ///   is loaded, not here. Linux 5.8. `BPF_LINK_CREATE`
  public borrowing func attach(
    toCgroup path: FilePath, as hook: CgroupHook, order: AttachmentOrder = .last, expectedRevision: UInt64? = nil
  ) throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" to cgroup \"\(path)\" as \(hook)"
    let group = try ControlGroup(path, operation)
    if let expectedAttachType, expectedAttachType != hook.rawValue {
      throw BPFError(.invalidArgument, "\(operation): the program was compiled for \"\(section)\"")
    }
    var request = LinkRequest(
      program: descriptor, target: UInt32(bitPattern: group.descriptor.rawValue), attachType: hook.rawValue,
      order: order, expectedRevision: expectedRevision)
    if request.isOrdered, HookQuery(cgroup: group.descriptor.rawValue, hook).run().revision == 0 {
      throw BPFError(
        .notSupported,
        "\(operation), \(order): this kernel keeps no order among programs of a control group (Linux 6.17 brought it); attach them in the order wanted"
      )
    }
    if let anchor = order.anchor {
      request.order = order.anchored(at: try link(of: anchor, hook, group.identifier, order, operation))
    }
    let result = request.create()
    guard result >= 0 else { throw failure(operation, hook, request, result) }
    return Attachment(
      .link(OwnedFileDescriptor(taking: result)), .cgroup, "program \"\(name)\" at \(hook) of cgroup \"\(path)\"")
  }

  /// At control groups a link stands only next to links, which the kernel says with EINVAL, as it does for an anchor that
  /// is not there.
  private borrowing func link(
    of anchor: AttachmentOrder.Anchor, _ hook: CgroupHook, _ group: UInt64, _ order: AttachmentOrder,
    _ operation: String
  ) throws(BPFError) -> AttachmentOrder.Anchor {
    let link = try BPFAttachments.all().first { link in
      guard link.hook == .cgroup(hook, group: group) else { return false }
      switch anchor {
      case .program(let identifier): return link.programIdentifier == identifier
      case .attachment(let identifier): return link.identifier == identifier
      }
    }
    guard let link else {
      throw BPFError(
        .notFound, "\(operation): it is to run \(order), which is not attached there by a link",
        errno: .noSuchFileOrDirectory)
    }
    return .attachment(link.identifier)
  }

  private borrowing func failure(
    _ operation: String, _ hook: CgroupHook, _ request: LinkRequest, _ status: CInt
  ) -> BPFError {
    if request.isOrdered, let error = request.orderFailure(operation, status) { return error }
    switch status {
    case -EPERM where CapabilitySet.effective.contains([.netAdmin, .bpf]):
      return BPFError(
        .busy, "\(operation): a program that was attached without BPF_F_ALLOW_MULTI, here or above, forbids it",
        errno: .notPermitted)
    case -EINVAL where hook.minimumKernel != nil && !HookQuery.knows(hook):
      return BPFError(
        .notSupported, "\(operation): this kernel has no such hook (Linux \(hook.minimumKernel ?? "") brought it)",
        errno: .invalidArgument)
    case -EINVAL:
      return BPFError(
        .invalidArgument,
        "\(operation): invalid argument; the program is \(kindInWords), and the hook wants its own type",
        errno: .invalidArgument)
    default: return BPFError.kernel(operation, status: status)
    }
  }
}
