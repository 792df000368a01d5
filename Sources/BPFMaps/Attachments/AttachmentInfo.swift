// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
public import SystemPackage

/// What the kernel says of a link. `struct bpf_link_info`
public struct AttachmentInfo: Sendable, Hashable {
  /// The kernel's identifier, as `bpftool link` shows it.
  public var identifier: UInt32
  /// What kind of link it is.
  public var kind: BPFLinkKind
  /// The identifier of the program that runs now; 0: none.
  public var programIdentifier: UInt32
  /// Where it runs.
  public var hook: AttachmentHook

  /// The link that a descriptor is of.
  init(of descriptor: CInt, _ operation: String) throws(BPFError) {
    LibbpfMessages.silence()
    var status: CInt = 0
    let raw = withZeroed(clibbpf_link_info.self) { raw in
      var length = UInt32(MemoryLayout<clibbpf_link_info>.size)
      status = unsafe bpf_obj_get_info_by_fd(descriptor, &raw, &length)
      return raw
    }
    guard status == 0 else { throw BPFError.kernel(operation, status: status) }
    identifier = raw.id
    kind = BPFLinkKind(rawValue: raw.type)
    programIdentifier = raw.program
    hook = Self.hook(raw)
  }

  private static func hook(_ raw: clibbpf_link_info) -> AttachmentHook {
    switch raw.type {
    case 1: return .rawTracepoint
    case 2: return .tracing
    case 3: return unsafe .cgroup(CgroupHook(attachType: raw.cgroup.attach_type), group: raw.cgroup.group)
    case 5 where raw.network.attach_type == BPF_SK_LOOKUP.rawValue:
      return .socketLookup(namespace: UInt64(raw.network.target))
    case 6: return .xdp(interface: raw.network.target)
    case 7: return .perfEvent
    case 11:
      return unsafe .trafficControl(
        raw.network.attach_type == TrafficControlDirection.ingress.tcxType ? .ingress : .egress,
        interface: raw.network.target)
    case 13:
      return unsafe .netkit(
        raw.network.attach_type == NetkitEnd.primary.attachType ? .primary : .peer, interface: raw.network.target)
    default: return .other(linkType: raw.type)
    }
  }
}

extension AttachmentHook {
  /// A hook of the control group in a directory.
  ///
  /// - Parameters:
  ///   - hook: The hook.
  ///   - path: A directory of a cgroup2 file system.
  /// - Returns: The hook, to compare with an attachment's.
  /// - Throws: `notFound`; `notCgroup`.
  public static func cgroup(_ hook: CgroupHook, at path: FilePath) throws(BPFError) -> AttachmentHook {
    try .cgroup(hook, group: ControlGroup(path, "find cgroup \"\(path)\"").identifier)
  }

  /// How a link of this hook is attached.
  var mechanism: Attachment.Mechanism {
    switch self {
    case .trafficControl: .tcx
    case .netkit: .netkit
    case .xdp: .xdp
    case .cgroup: .cgroup
    case .socketLookup: .networkNamespace
    case .tracing, .rawTracepoint: .tracing
    case .perfEvent: .perfEvent
    case .other: .other
    }
  }
}

/// An open directory of a cgroup2 file system.
struct ControlGroup: ~Copyable {
  let descriptor: OwnedFileDescriptor
  /// The directory's inode, by which the kernel names the group.
  let identifier: UInt64

  init(_ path: FilePath, _ operation: String) throws(BPFError) {
    guard let magic = FileSystemMagic(of: path) else {
      throw BPFError(.notFound, "\(operation): there is no such directory", errno: .noSuchFileOrDirectory)
    }
    guard magic == .cgroup2 else {
      throw BPFError(
        .notCgroup,
        "\(operation): the path is not on a cgroup2 file system; mount one (mount -t cgroup2 none DIRECTORY) and name a directory in it"
      )
    }
    do {
      descriptor = try OwnedFileDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
    } catch {
      throw BPFError.kernel(operation, status: -error.rawValue)
    }
    var status = stat()
    identifier = unsafe fstat(descriptor.rawValue, &status) == 0 ? UInt64(status.st_ino) : 0
  }
}
