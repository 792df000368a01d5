// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import Synchronization

/// Functions of the kernel that probe programs name as where they attach.
enum ProbeTarget {
  private static let known = Mutex<[BPFProgramKind: UInt32]>([:])

  /// The number of a function that programs of a kind attach to; nil: there is none that is always there.
  ///
  /// Reading the kernel's types takes tens of milliseconds, so the number is kept: it changes with the kernel only.
  static func function(for kind: BPFProgramKind) -> UInt32? {
    if let number = known.withLock({ $0[kind] }) { return number }
    let result =
      switch kind {
      // The kernel's own tests call it, and nobody else.
      case .tracing: unsafe libbpf_find_vmlinux_btf_id("bpf_fentry_test1", BPF_TRACE_FENTRY)
      case .securityModule: unsafe libbpf_find_vmlinux_btf_id("bpf", BPF_LSM_MAC)
      default: CInt(-1)
      }
    guard result > 0 else { return nil }
    known.withLock { $0[kind] = UInt32(result) }
    return UInt32(result)
  }
}
