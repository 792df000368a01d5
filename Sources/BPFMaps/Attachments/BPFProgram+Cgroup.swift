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
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notFound`; `notCgroup` for another directory; `invalidArgument` for a program of another hook;
  ///   `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN and CAP_BPF, Linux 5.8. `BPF_LINK_CREATE`
  public borrowing func attach(toCgroup path: FilePath, as hook: CgroupHook) throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" to cgroup \"\(path)\" as \(hook)"
    guard let magic = FileSystemMagic(of: path) else {
      throw BPFError(.notFound, "\(operation): there is no such directory", errno: .noSuchFileOrDirectory)
    }
    guard magic == .cgroup2 else {
      throw BPFError(
        .notCgroup,
        "\(operation): the path is not on a cgroup2 file system; mount one (mount -t cgroup2 none DIRECTORY) and name a directory in it"
      )
    }
    if let expectedAttachType, expectedAttachType != hook.rawValue {
      throw BPFError(.invalidArgument, "\(operation): the program was compiled for \"\(section)\"")
    }
    let group: OwnedFileDescriptor
    do {
      group = try OwnedFileDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
    } catch {
      throw BPFError.kernel(operation, status: -error.rawValue)
    }
    let result = bpf_link_create(descriptor, group.rawValue, bpf_attach_type(hook.rawValue), nil)
    guard result >= 0 else {
      if result == -EPERM, CapabilitySet.effective.contains([.netAdmin, .bpf]) {
        throw BPFError(
          .busy, "\(operation): a program that was attached without BPF_F_ALLOW_MULTI, here or above, forbids it",
          errno: .notPermitted)
      }
      throw BPFError.kernel(operation, status: result)
    }
    return Attachment(
      .link(OwnedFileDescriptor(taking: result)), .cgroup, "program \"\(name)\" at \(hook) of cgroup \"\(path)\"")
  }
}
