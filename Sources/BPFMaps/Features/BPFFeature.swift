// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import Synchronization

/// What the running kernel's BPF can do, found out by trying.
public enum BPFFeature {
  /// Whether traffic control programs attach by tcx links. Linux 6.6
  ///
  /// Tried on an interface that does not exist. Without the privilege to load a program: false, until there is the
  /// privilege; an answer of the kernel's is remembered.
  public static func supportsTCX() async -> Bool { tcx() == .present }

  /// What a probe found out.
  enum Answer {
    case present, absent
    /// The probe itself was refused.
    case unknown
  }

  private static let known = Mutex<Answer>(.unknown)

  static func tcx() -> Answer {
    known.withLock { known in
      if known == .unknown { known = probeTCX() }
      return known
    }
  }

  /// A kernel that knows the attach type looks the interface up (ENODEV); one that does not says EINVAL.
  private static func probeTCX() -> Answer {
    LibbpfMessages.silence()
    // r0 = 0; exit
    let instructions = [
      bpf_insn(code: 0xb7, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
      bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
    ]
    let result = unsafe bpf_prog_load(
      BPF_PROG_TYPE_SCHED_CLS, "probe_tcx", "GPL", instructions, instructions.count, nil)
    guard result >= 0 else { return .unknown }
    let program = OwnedFileDescriptor(taking: result)
    let status = bpf_link_create(
      program.rawValue, CInt.max, bpf_attach_type(TrafficControlDirection.ingress.tcxType), nil)
    if status >= 0 { _ = OwnedFileDescriptor(taking: status) }
    return status == -19 ? .present : status == -1 ? .unknown : .absent
  }
}
