// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// What the running kernel's BPF can do, found out by trying.
public enum BPFFeature {
  /// Whether traffic control programs attach by tcx links. Linux 6.6
  ///
  /// Tried once per process, on an interface that does not exist. Without the privilege to load a program: false.
  public static func supportsTCX() async -> Bool { hasTCX }

  /// A kernel that knows the attach type looks the interface up (ENODEV); one that does not says EINVAL.
  private static let hasTCX: Bool = {
    LibbpfMessages.silence()
    // r0 = 0; exit
    let instructions = [
      bpf_insn(code: 0xb7, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
      bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
    ]
    let result = unsafe bpf_prog_load(
      BPF_PROG_TYPE_SCHED_CLS, "probe_tcx", "GPL", instructions, instructions.count, nil)
    guard result >= 0 else { return false }
    let program = OwnedFileDescriptor(taking: result)
    let status = bpf_link_create(
      program.rawValue, CInt.max, bpf_attach_type(TrafficControlDirection.ingress.tcxType), nil)
    if status >= 0 { _ = OwnedFileDescriptor(taking: status) }
    return status == -19
  }()
}
