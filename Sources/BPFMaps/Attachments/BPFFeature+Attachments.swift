// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
public import LinuxSystem

extension BPFFeature {
  /// Whether programs attach to netkit pairs. Linux 6.7
  ///
  /// A kernel that knows the attach type looks the interface up (ENODEV); one that does not says EINVAL.
  static func netkit() -> Answer {
    guard let program = try? BPFProgram.constant(0, type: BPF_PROG_TYPE_SCHED_CLS) else { return .unknown }
    let status = LinkRequest(
      program: program.descriptor, target: UInt32(CInt.max), attachType: NetkitEnd.primary.attachType
    ).create()
    if status >= 0 { _ = OwnedFileDescriptor(taking: status) }
    return status == -19 ? .present : status == -1 ? .unknown : .absent
  }

  /// Whether a program can be attached to the begin of a kernel function; else what is missing.
  static func kernelFunctions() -> KernelFeature.Availability {
    LibbpfMessages.silence()
    let type = unsafe libbpf_find_vmlinux_btf_id("vfs_open", BPF_TRACE_FENTRY)
    guard type > 0 else {
      return .missing(
        reason: "the kernel does not describe its functions; it needs CONFIG_DEBUG_INFO_BTF (/sys/kernel/btf/vmlinux)")
    }
    do {
      let program = try BPFProgram.constant(
        0, type: BPF_PROG_TYPE_TRACING, expectedAttachType: BPF_TRACE_FENTRY.rawValue, target: UInt32(type))
      _ = try program.attachToTrace()
      return .available
    } catch {
      return .missing(
        reason:
          "a program at the begin of vfs_open was refused (\(error.message)); it needs CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE, and CAP_BPF with CAP_PERFMON"
      )
    }
  }
}

extension KernelFeature {
  /// Programs at the ends of netkit pairs.
  public static let netkitPrograms = KernelFeature("netkit programs", minimumKernel: KernelVersion(6, 7)) {
    BPFFeature.netkit() == .present
      ? .available : .missing(reason: "BPF_LINK_CREATE does not know BPF_NETKIT_PRIMARY (CONFIG_NETKIT)")
  }

  /// Order among the programs of a control group.
  public static let cgroupOrder = KernelFeature("cgroup program order", minimumKernel: KernelVersion(6, 17)) {
    guard let path = (try? MountTable.current())?.path(ofType: "cgroup2"),
      let group = try? ControlGroup(path, "probe")
    else { return .missing(reason: "no cgroup2 file system is mounted") }
    return HookQuery(cgroup: group.descriptor.rawValue, .connect4).run().revision > 0
      ? .available : .missing(reason: "BPF_PROG_QUERY gives no revision for control groups")
  }

  /// Control group hooks of unix sockets.
  public static let cgroupUnix = KernelFeature("cgroup unix hooks", minimumKernel: KernelVersion(6, 7)) {
    HookQuery.knows(.connectUnix)
      ? .available : .missing(reason: "BPF_PROG_LOAD does not know BPF_CGROUP_UNIX_CONNECT")
  }

  /// Programs at the begin and end of kernel functions (fentry, fexit).
  public static let kernelFunctionTracing = KernelFeature("fentry", minimumKernel: KernelVersion(5, 5)) {
    BPFFeature.kernelFunctions()
  }

  /// Programs at kernel probes.
  public static let kprobes = KernelFeature("kprobes", minimumKernel: KernelVersion(4, 1)) {
    PerfEvent.kprobeType != nil
      ? .available : .missing(reason: "there is no /sys/bus/event_source/devices/kprobe (CONFIG_KPROBE_EVENTS)")
  }

  /// Programs at static tracepoints.
  public static let tracepoints = KernelFeature("tracepoints", minimumKernel: KernelVersion(4, 7)) {
    PerfEvent.tracepoint("sched", "sched_process_exec") != nil
      ? .available
      : .missing(reason: "there is no events/sched/sched_process_exec in a mounted tracefs (CONFIG_EVENT_TRACING)")
  }
}
