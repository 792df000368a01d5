// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

extension BPFProgram {
  /// Loads a program that returns a number, for probes and as the floor of measurements.
  static func constant(
    _ value: Int32, type: bpf_prog_type, expectedAttachType: UInt32 = 0, target: UInt32 = 0
  ) throws(BPFError) -> BPFProgram {
    LibbpfMessages.silence()
    // r0 = value; exit
    let instructions = [
      bpf_insn(code: 0xb7, dst_reg: 0, src_reg: 0, off: 0, imm: value),
      bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
    ]
    let result = unsafe withZeroed(bpf_prog_load_opts.self) { options in
      unsafe options.sz = unsafe MemoryLayout<bpf_prog_load_opts>.size
      unsafe options.expected_attach_type = bpf_attach_type(expectedAttachType)
      unsafe options.attach_btf_id = target
      return unsafe bpf_prog_load(type, "constant", "GPL", instructions, instructions.count, &options)
    }
    guard result >= 0 else { throw BPFError.kernel("load a constant program", status: result) }
    return try BPFProgram(
      OwnedFileDescriptor(taking: result), name: "constant",
      expectedAttachType: expectedAttachType == 0 ? nil : expectedAttachType, section: "")
  }

  /// Loads a program for a hook of a control group that returns a number: 1 allows.
  static func constant(_ value: Int32, for hook: CgroupHook) throws(BPFError) -> BPFProgram {
    let type: bpf_prog_type =
      switch hook.rawValue {
      case 0, 1: BPF_PROG_TYPE_CGROUP_SKB
      case 2, 12, 13, 34: BPF_PROG_TYPE_CGROUP_SOCK
      case 3: BPF_PROG_TYPE_SOCK_OPS
      case 6: BPF_PROG_TYPE_CGROUP_DEVICE
      case 18: BPF_PROG_TYPE_CGROUP_SYSCTL
      case 21, 22: BPF_PROG_TYPE_CGROUP_SOCKOPT
      default: BPF_PROG_TYPE_CGROUP_SOCK_ADDR
      }
    return try constant(value, type: type, expectedAttachType: hook.rawValue)
  }

  /// Loads an empty traffic control program: the floor of what a test run can measure.
  ///
  /// - Returns: A program that returns `TC_ACT_OK`.
  /// - Throws: `permissionDenied`.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN. `BPF_PROG_LOAD`
  public static func empty() throws(BPFError) -> BPFProgram {
    try constant(0, type: BPF_PROG_TYPE_SCHED_CLS)
  }
}
