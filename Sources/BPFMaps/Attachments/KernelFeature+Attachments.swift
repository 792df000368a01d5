// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
public import LinuxSystem

extension KernelFeature {
  /// Programs at the ends of netkit pairs.
  public static let netkitPrograms = KernelFeature(.attach(.netkitPrimary))

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
  public static let kernelFunctionTracing = KernelFeature(.attach(.functionEntry))

  /// Programs at kernel probes.
  public static let kprobes = KernelFeature("kprobes", minimumKernel: KernelVersion(4, 1)) {
    (try? PerfEvent.kprobeType("probe")) != nil
      ? .available : .missing(reason: "there is no /sys/bus/event_source/devices/kprobe (CONFIG_KPROBE_EVENTS)")
  }

  /// Programs at static tracepoints.
  public static let tracepoints = KernelFeature("tracepoints", minimumKernel: KernelVersion(4, 7)) {
    (try? PerfEvent.tracepoint("sched", "sched_process_exec", "probe")) != nil
      ? .available
      : .missing(reason: "there is no events/sched/sched_process_exec in a mounted tracefs (CONFIG_EVENT_TRACING)")
  }
}
