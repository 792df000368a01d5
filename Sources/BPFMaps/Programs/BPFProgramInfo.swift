// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// What the kernel says of a program. `struct bpf_prog_info`
public struct BPFProgramInfo: Sendable, Hashable {
  /// The kernel's identifier, as `bpftool prog` shows it.
  public var identifier: UInt32
  /// The name; the kernel keeps 15 bytes of it.
  public var name: String
  /// What it can be attached to, such as `sched_cls`, or `type 40`.
  public var type: String
  /// A fingerprint of its instructions, 16 hexadecimal digits; programs from the same source have the same.
  public var tag: String
  /// When it was loaded, in nanoseconds since boot. `CLOCK_BOOTTIME`
  public var loadTime: UInt64
  /// The user who loaded it.
  public var user: UInt32
  /// How long it ran altogether, in nanoseconds, while the kernel counted. `kernel.bpf_stats_enabled`
  public var runTime: UInt64
  /// How often it ran while the kernel counted.
  public var runCount: UInt64
  /// How many instructions the verifier looked at. Linux 5.16
  public var verifiedInstructionCount: UInt32
  /// The number behind ``type``. `enum bpf_prog_type`
  public var rawType: UInt32

  init(of descriptor: CInt, _ operation: String) throws(BPFError) {
    var status: CInt = 0
    let raw = withZeroed(bpf_prog_info.self) { raw in
      var length = UInt32(MemoryLayout<bpf_prog_info>.size)
      status = unsafe bpf_obj_get_info_by_fd(descriptor, &raw, &length)
      return raw
    }
    guard status == 0 else { throw BPFError.kernel(operation, status: status) }
    identifier = raw.id
    name = string(raw.name)
    rawType = raw.type
    type = Self.name(ofType: raw.type)
    let digits = Array("0123456789abcdef")
    tag = unsafe withUnsafeBytes(of: raw.tag) { tag in
      unsafe String(tag.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
    loadTime = raw.load_time
    user = raw.created_by_uid
    runTime = raw.run_time_ns
    runCount = raw.run_cnt
    verifiedInstructionCount = raw.verified_insns
  }

  /// Asks about the program of an identifier.
  ///
  /// - Parameter identifier: As `bpftool prog` shows it.
  /// - Throws: `notFound`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_PROG_GET_FD_BY_ID`
  public init(identifier: UInt32) throws(BPFError) {
    let descriptor = try BPFProgram.descriptor(identifier: identifier)
    try self.init(of: descriptor.rawValue, "ask about program \(identifier)")
  }

  static func name(ofType type: UInt32) -> String {
    let names = [
      "unspecified", "socket_filter", "kprobe", "sched_cls", "sched_act", "tracepoint", "xdp", "perf_event",
      "cgroup_skb", "cgroup_sock", "lwt_in", "lwt_out", "lwt_xmit", "sock_ops", "sk_skb", "cgroup_device", "sk_msg",
      "raw_tracepoint", "cgroup_sock_addr", "lwt_seg6local", "lirc_mode2", "sk_reuseport", "flow_dissector",
      "cgroup_sysctl", "raw_tracepoint_writable", "cgroup_sockopt", "tracing", "struct_ops", "ext", "lsm", "sk_lookup",
      "syscall", "netfilter",
    ]
    return Int(type) < names.count ? names[Int(type)] : "type \(type)"
  }
}

extension BPFProgram {
  /// What the kernel says of the program now.
  ///
  /// - Returns: Names, times and counts.
  /// - Throws: `systemCall`. `BPF_OBJ_GET_INFO_BY_FD`
  public borrowing func info() throws(BPFError) -> BPFProgramInfo {
    try BPFProgramInfo(of: descriptor, "ask about program \"\(name)\"")
  }

  /// Opens a program by the kernel's identifier.
  ///
  /// - Parameter identifier: As `bpftool prog` shows it.
  /// - Returns: The program.
  /// - Throws: `notFound`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_PROG_GET_FD_BY_ID`
  public static func open(identifier: UInt32) throws(BPFError) -> BPFProgram {
    try BPFProgram(descriptor(identifier: identifier), name: nil, expectedAttachType: nil, section: "")
  }

  static func descriptor(identifier: UInt32) throws(BPFError) -> OwnedFileDescriptor {
    LibbpfMessages.silence()
    let result = bpf_prog_get_fd_by_id(identifier)
    guard result >= 0 else { throw BPFError.kernel("open program \(identifier)", status: result) }
    return OwnedFileDescriptor(taking: result)
  }

  /// What the program is, for messages: `SEC("tc")`, or of type xdp.
  var kindInWords: String {
    if !section.isEmpty { return "SEC(\"\(section)\")" }
    return (try? info()).map { "of type \($0.type)" } ?? "of an unknown type"
  }
}
