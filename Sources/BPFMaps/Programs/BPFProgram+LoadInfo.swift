// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// What the kernel made of a program when it was loaded. `struct bpf_prog_info`
public struct BPFLoadInfo: Sendable, Hashable {
  /// What it is called for.
  public var kind: BPFProgramKind
  /// Instructions that the verifier went through, each as often as there are paths to it; the limit is 1 000 000.
  ///
  /// 0 before Linux 5.16.
  public var verifiedInstructionCount: Int
  /// Its instructions after the verifier rewrote them, in bytes; 8 each.
  public var translatedSize: Int
  /// Its machine code, in bytes; 0: it is interpreted, or the thread may not know.
  public var compiledSize: Int
  /// When it was loaded, in nanoseconds since the machine started.
  public var loadTime: UInt64
  /// Who loaded it: a user's number.
  public var userIdentifier: UInt32
  /// How many maps it uses.
  public var mapCount: Int
}

extension BPFProgram {
  /// Asks what the kernel made of it.
  ///
  /// How long the verifier took is in its log: ``LoadedObject/verifierStatistics(ofProgram:)``.
  ///
  /// - Returns: Sizes, and the verifier's work.
  /// - Throws: `systemCall`. `BPF_OBJ_GET_INFO_BY_FD`
  public borrowing func loadInfo() throws(BPFError) -> BPFLoadInfo {
    var status: CInt = 0
    let descriptor = descriptor
    let info = withZeroed(bpf_prog_info.self) { info in
      var length = UInt32(MemoryLayout<bpf_prog_info>.size)
      status = unsafe bpf_obj_get_info_by_fd(descriptor, &info, &length)
      return BPFLoadInfo(
        kind: BPFProgramKind(rawValue: info.type), verifiedInstructionCount: Int(info.verified_insns),
        translatedSize: Int(info.xlated_prog_len), compiledSize: Int(info.jited_prog_len),
        loadTime: info.load_time, userIdentifier: info.created_by_uid, mapCount: Int(info.nr_map_ids))
    }
    guard status == 0 else { throw BPFError.kernel("ask about program \"\(name)\"", status: status) }
    return info
  }
}
