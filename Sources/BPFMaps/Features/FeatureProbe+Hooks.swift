// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

extension FeatureProbe {
  static func attach(_ type: BPFAttachType) -> BPFFeature.Availability {
    guard let fact = type.fact else { return .unknown(reason: "there is no probe for \(type)") }
    if fact.trial == .function { return function(type, fact) }
    // Hooks of control groups that judge answers accept only 1; 0 drops what others may not.
    let load = load(fact.program, attachType: expectedType(type, fact), returning: fact.trial == .interface ? 0 : 1)
    // Nothing is attached: no target exists, or it refuses.
    guard load.status >= 0 else {
      guard load.status == -EINVAL || load.status == -524 else {
        return refused("load a probe program for \(type)", status: load.status)
      }
      return missing("BPF_PROG_LOAD does not know attach type \(type.rawValue)", since: fact.kernel)
    }
    let program = OwnedFileDescriptor(taking: load.status)
    guard fact.trial != .load else { return .available }
    let target: CInt =
      switch fact.trial {
      case .interface: .max
      case .loopback: 1
      default: -1
      }
    let status = unsafe withZeroed(bpf_link_create_opts.self) { options in
      unsafe options.sz = unsafe MemoryLayout<bpf_link_create_opts>.size
      if fact.trial == .loopback { unsafe options.flags = BPFFeature.XDPMode.native.flags }
      return unsafe bpf_link_create(program.rawValue, target, bpf_attach_type(type.rawValue), &options)
    }
    switch status {
    case 0...: _ = OwnedFileDescriptor(taking: status)
    case -ENODEV where fact.trial == .interface, -EOPNOTSUPP where fact.trial == .loopback: break
    case -EBADF where fact.trial == .cgroup || fact.trial == .perfEvent: break
    case -EINVAL, -524, -EOPNOTSUPP:
      return missing("BPF_LINK_CREATE does not know attach type \(type.rawValue)", since: fact.kernel)
    default: return refused("make a probe link for \(type)", status: status)
    }
    return .available
  }

  /// A program at a function that nobody calls runs never.
  private static func function(_ type: BPFAttachType, _ fact: BPFAttachType.Fact) -> BPFFeature.Availability {
    guard kernelTypes() == .available else { return kernelTypes() }
    guard let function = ProbeTarget.function(for: .tracing) else {
      return .unknown(reason: "the kernel describes no function bpf_fentry_test1")
    }
    let load = load(fact.program, attachType: type.rawValue, returning: 0, function: function)
    guard load.status >= 0 else {
      return load.status == -EINVAL || load.status == -524
        ? missing("BPF_PROG_LOAD does not know attach type \(type.rawValue)", since: fact.kernel)
        : refused("load a probe program for \(type)", status: load.status)
    }
    let program = OwnedFileDescriptor(taking: load.status)
    let status = bpf_raw_tracepoint_open(nil, program.rawValue)
    guard status >= 0 else {
      switch status {
      case -EINVAL, -524, -EOPNOTSUPP:
        return .missing(
          reason:
            "this kernel does not attach programs to its functions (errno \(-status)): it was built without ftrace",
          minimumKernel: fact.kernel)
      default: return refused("attach a probe program to bpf_fentry_test1", status: status)
      }
    }
    _ = OwnedFileDescriptor(taking: status)
    return .available
  }

  static func links() -> BPFFeature.Availability {
    // There is no program of that descriptor, which only a kernel that knows the call finds out.
    let status = bpf_link_create(-1, -1, bpf_attach_type(0), nil)
    switch status {
    case -EBADF: return .available
    case -EINVAL: return missing("bpf(2) does not know BPF_LINK_CREATE", since: KernelVersion(5, 7))
    default: return refused("make a probe link", status: status)
    }
  }

  static func queryRevisions() -> BPFFeature.Availability {
    var attached: UInt32 = 0
    var flags: UInt32 = 0
    // Interface 1 is loopback in every namespace.
    let status = unsafe bpf_prog_query(1, bpf_attach_type(46), 0, &flags, nil, &attached)
    if status == 0 { return .available }
    return status == -EINVAL
      ? missing("BPF_PROG_QUERY does not know traffic control hooks", since: KernelVersion(6, 6))
      : refused("query the programs of loopback", status: status)
  }

  static func kernelTypes() -> BPFFeature.Availability {
    let path = "/sys/kernel/btf/vmlinux"
    let file: OwnedFileDescriptor
    do {
      file = try OwnedFileDescriptor.open("/sys/kernel/btf/vmlinux", flags: O_RDONLY)
    } catch {
      // Another refusal passes: it says nothing of the kernel.
      guard error == .noSuchFileOrDirectory else { return .unknown(reason: "open \(path): \(error)") }
      return missing("there is no \(path)", since: KernelVersion(5, 4))
    }
    var magic: UInt16 = 0
    let count = unsafe read(file.rawValue, &magic, 2)
    guard count >= 0 else { return .unknown(reason: "read \(path): errno \(errno)") }
    guard count == 2, magic == 0xeb9f else {
      return .missing(reason: "\(path) is not BTF", minimumKernel: KernelVersion(5, 4))
    }
    return .available
  }

  /// Programs for links to perf events and of traffic control are loaded for no hook in particular.
  private static func expectedType(_ type: BPFAttachType, _ fact: BPFAttachType.Fact) -> UInt32 {
    switch fact.trial {
    case .cgroup, .load, .loopback: type.rawValue
    default: 0
    }
  }
}
