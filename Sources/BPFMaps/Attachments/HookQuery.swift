// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// What is attached at a hook, asked of the kernel. `BPF_PROG_QUERY`
struct HookQuery: Sendable {
  /// The answer: programs in the order in which they run.
  struct Answer: Sendable {
    /// 0, or a negative error number.
    var status: CInt = 0
    var programs: [UInt32] = []
    /// As many as programs; 0 where there is no link, or the hook does not say.
    var links: [UInt32] = []
    /// 0 where the hook has none.
    var revision: UInt64 = 0
  }

  var target: UInt32
  var attachType: UInt32
  /// 0, or `BPF_F_QUERY_EFFECTIVE`.
  var flags: UInt32 = 0

  init(target: UInt32, attachType: UInt32, flags: UInt32 = 0) {
    self.target = target
    self.attachType = attachType
    self.flags = flags
  }

  init(cgroup descriptor: CInt, _ hook: CgroupHook, effective: Bool = false) {
    self.init(target: UInt32(bitPattern: descriptor), attachType: hook.rawValue, flags: effective ? 1 : 0)
  }

  /// Only tcx and netkit fill in links; for other hooks there are zeros.
  func run() -> Answer {
    var capacity = 64
    while true {
      var answer = Answer()
      var programs = [UInt32](repeating: 0, count: capacity)
      var links = [UInt32](repeating: 0, count: capacity)
      var count: UInt32 = 0
      unsafe programs.withUnsafeMutableBytes { programs in
        unsafe links.withUnsafeMutableBytes { links in
          withZeroed(clibbpf_query.self) { raw in
            raw.target = target
            raw.attach_type = attachType
            raw.query_flags = flags
            raw.programs = UInt64(UInt(bitPattern: programs.baseAddress))
            // Older kernels want what they do not know to be zero.
            if (46...47).contains(attachType) || (54...55).contains(attachType) {
              raw.links = UInt64(UInt(bitPattern: links.baseAddress))
            }
            raw.count = UInt32(capacity)
            answer.status = unsafe clibbpf_call(
              CInt(BPF_PROG_QUERY.rawValue), &raw, UInt(MemoryLayout<clibbpf_query>.size))
            count = raw.count
            answer.revision = raw.revision
          }
        }
      }
      if answer.status == -28, capacity < 1 << 16 {  // ENOSPC: the kernel says how many there are
        capacity = min(max(capacity * 2, Int(count)), 1 << 16)
        continue
      }
      if answer.status == 0 {
        answer.programs = Array(programs.prefix(Int(count)))
        answer.links = Array(links.prefix(Int(count)))
      }
      return answer
    }
  }

  /// Whether the kernel has the hook: it refuses to load a program for one that it does not know.
  static func knows(_ hook: CgroupHook) -> Bool {
    hook.minimumKernel == nil || (try? BPFProgram.constant(1, for: hook)) != nil
  }
}
