// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

extension BPFProgram {
  /// Attaches a program to what its section names: the begin or end of a kernel function (`SEC("fentry/…")`,
  /// `SEC("fexit/…")`) or a typed tracepoint (`SEC("tp_btf/…")`), which was looked up when it was loaded.
  ///
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `invalidArgument` for another type of program; `notSupported`, naming what the kernel lacks; `busy` where the
  ///   function has as many programs as it can take; `permissionDenied`.
  /// - Requires: A kernel with BTF, and to load the program CAP_BPF and CAP_PERFMON. `BPF_RAW_TRACEPOINT_OPEN`
  public borrowing func attachToTrace() throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" (\(kindInWords))"
    let result = bpf_raw_tracepoint_open(nil, descriptor)
    guard result >= 0 else {
      switch result {
      case -EINVAL:
        throw BPFError(
          .invalidArgument,
          "\(operation): invalid argument; only SEC(\"fentry/…\"), SEC(\"fexit/…\") and SEC(\"tp_btf/…\") programs name their target",
          errno: .invalidArgument)
      case -E2BIG, -EBUSY:
        throw BPFError(
          .busy, "\(operation): the kernel function has as many programs as it can take, or another tracer holds it",
          errno: .init(rawValue: -result))
      case -EOPNOTSUPP, -524:
        throw BPFError(
          .notSupported,
          "\(operation): this kernel cannot attach programs to its functions; it needs CONFIG_DYNAMIC_FTRACE and a BPF JIT",
          errno: .init(rawValue: -result))
      default: throw BPFError.kernel(operation, status: result)
      }
    }
    return Attachment(.link(OwnedFileDescriptor(taking: result)), .tracing, "program \"\(name)\" (\(kindInWords))")
  }

  /// Attaches a `SEC("raw_tp")` program to a tracepoint of the kernel, with its untyped arguments.
  ///
  /// - Parameter tracepoint: The tracepoint's name, such as `sched_process_exec`.
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notFound` for an unknown tracepoint; `invalidArgument` for another type of program, or one that reads more
  ///   arguments than the tracepoint has; `alreadyExists` for a program that is there already, where the kernel takes one
  ///   once only (seen on 6.1, not on 6.18); `permissionDenied`.
  /// - Requires: To load the program, CAP_BPF and CAP_PERFMON. `BPF_RAW_TRACEPOINT_OPEN`
  public borrowing func attach(toRawTracepoint tracepoint: String) throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" to raw tracepoint \"\(tracepoint)\""
    let descriptor = descriptor
    let result = unsafe tracepoint.withCString { unsafe bpf_raw_tracepoint_open($0, descriptor) }
    guard result >= 0 else {
      switch result {
      case -ENOENT:
        throw BPFError(
          .notFound, "\(operation): the kernel has no such tracepoint (see events/*/ in /sys/kernel/tracing)",
          errno: .noSuchFileOrDirectory)
      case -EINVAL:
        throw BPFError(
          .invalidArgument,
          "\(operation): invalid argument; only SEC(\"raw_tp\") programs that read no more arguments than there are attach there, this one is \(kindInWords)",
          errno: .invalidArgument)
      default: throw BPFError.kernel(operation, status: result)
      }
    }
    return Attachment(
      .link(OwnedFileDescriptor(taking: result)), .tracing, "program \"\(name)\" at raw tracepoint \"\(tracepoint)\"")
  }

  /// Attaches a `SEC("kprobe")` program to any kernel function, by a breakpoint.
  ///
  /// - Parameters:
  ///   - function: The function's name in /proc/kallsyms.
  ///   - isReturn: Whether the program runs when the function returns.
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notSupported` where the kernel has no kprobes; `notFound` for a function that is not there or must not be
  ///   probed; `invalidArgument` for another type of program; `permissionDenied`.
  /// - Requires: CAP_BPF and CAP_PERFMON. perf_event_open(2), `BPF_LINK_CREATE`
  public borrowing func attach(toKernelProbe function: String, isReturn: Bool = false) throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" to \(isReturn ? "the return of " : "")kernel function \"\(function)\""
    guard let type = try PerfEvent.kprobeType(operation) else {
      throw BPFError(
        .notSupported,
        "\(operation): this kernel has no kprobes (CONFIG_KPROBE_EVENTS), or sysfs is not mounted; use a tracepoint or fentry"
      )
    }
    let event = unsafe function.withCString { name in
      PerfEvent.open(
        type: type, config: isReturn ? 1 << PerfEvent.kprobeReturnBit : 0,
        config1: UInt64(UInt(bitPattern: name)))
    }
    if event == -ENOENT || event == -EINVAL || event == -EADDRNOTAVAIL {
      throw BPFError(
        .notFound, "\(operation): the kernel has no function of that name that may be probed (see /proc/kallsyms)",
        errno: .init(rawValue: -event))
    }
    return try attach(toPerfEvent: event, operation, "program \"\(name)\" at kernel function \"\(function)\"")
  }

  /// Attaches a `SEC("tp")` program to a static tracepoint, with the arguments that its format file describes.
  ///
  /// - Parameters:
  ///   - group: Such as `sched`.
  ///   - event: Such as `sched_process_exec`.
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notFound` for an unknown tracepoint; `notSupported` where tracefs is not there; `invalidArgument` for
  ///   another type of program; `permissionDenied`.
  /// - Requires: CAP_BPF and CAP_PERFMON, a mounted tracefs. perf_event_open(2), `BPF_LINK_CREATE`
  public borrowing func attach(toTracepoint group: String, _ event: String) throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" to tracepoint \(group):\(event)"
    guard let number = try PerfEvent.tracepoint(group, event, operation) else {
      if try PerfEvent.traceDirectory(operation) == nil {
        throw BPFError(
          .notSupported,
          "\(operation): there is no tracefs; mount it (mount -t tracefs tracefs /sys/kernel/tracing), or use a kernel with CONFIG_EVENT_TRACING"
        )
      }
      throw BPFError(.notFound, "\(operation): the kernel has no such tracepoint (see events/ in its tracefs)")
    }
    return try attach(
      toPerfEvent: PerfEvent.open(type: 2, config: number), operation,
      "program \"\(name)\" at tracepoint \(group):\(event)")
  }

  private borrowing func attach(
    toPerfEvent event: CInt, _ operation: String, _ description: String
  ) throws(BPFError) -> Attachment {
    guard event >= 0 else {
      if event == -EACCES || event == -EPERM {
        throw BPFError(
          .permissionDenied, "\(operation): needs CAP_PERFMON, or root (see /proc/sys/kernel/perf_event_paranoid)",
          errno: .init(rawValue: -event))
      }
      throw BPFError.kernel(operation, status: event)
    }
    let event = OwnedFileDescriptor(taking: event)
    // The link keeps the event.
    let result = LinkRequest(
      program: descriptor, target: UInt32(bitPattern: event.rawValue), attachType: BPF_PERF_EVENT.rawValue
    ).create()
    guard result >= 0 else {
      if result == -EINVAL {
        throw BPFError(
          .invalidArgument,
          "\(operation): invalid argument; this program is \(kindInWords), the event wants its own type",
          errno: .invalidArgument)
      }
      throw BPFError.kernel(operation, status: result)
    }
    return Attachment(.link(OwnedFileDescriptor(taking: result)), .perfEvent, description)
  }
}

/// Events that programs are attached to. perf_event_open(2)
enum PerfEvent {
  /// The type of kernel probes, which is numbered at boot; nil: the kernel has none.
  static func kprobeType(_ operation: String) throws(BPFError) -> UInt32? {
    try number("/sys/bus/event_source/devices/kprobe/type", operation).map { UInt32(clamping: $0) }
  }

  /// Which bit of `config` asks for the return of a function: `config:0`.
  static var kprobeReturnBit: UInt64 {
    let text = try? FileSystem.text(of: "/sys/bus/event_source/devices/kprobe/format/retprobe")
    return text.flatMap { UInt64($0.drop { $0 != ":" }.dropFirst().prefix { $0.isNumber }) } ?? 0
  }

  /// Where tracefs is; nil: nowhere.
  static func traceDirectory(_ operation: String) throws(BPFError) -> FilePath? {
    for path in ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] as [FilePath] {
      let status = unsafe path.appending("events").withPlatformString { unsafe access($0, F_OK) == 0 ? 0 : -errno }
      if status == 0 { return path }
      if status == -EACCES { throw unreadable(path, operation) }
    }
    return nil
  }

  static func tracepoint(_ group: String, _ event: String, _ operation: String) throws(BPFError) -> UInt64? {
    guard !group.contains("/"), !event.contains("/"), let directory = try traceDirectory(operation) else { return nil }
    return try number(directory.appending("events").appending(group).appending(event).appending("id"), operation)
  }

  private static func unreadable(_ path: FilePath, _ operation: String) -> BPFError {
    BPFError(.permissionDenied, "\(operation): \"\(path)\" may not be read; needs root", errno: .permissionDenied)
  }

  /// An event on the first CPU; a program attached to it runs on all.
  ///
  /// - Returns: The descriptor, or a negative error number.
  static func open(type: UInt32, config: UInt64, config1: UInt64 = 0) -> CInt {
    withZeroed(clibbpf_perf_event.self) { event in
      event.size = UInt32(MemoryLayout<clibbpf_perf_event>.size)
      event.type = type
      event.config = config
      event.config1 = config1
      return unsafe clibbpf_perf_event_open(&event, 0)
    }
  }

  /// The number in a file; nil: there is no such file.
  private static func number(_ path: FilePath, _ operation: String) throws(BPFError) -> UInt64? {
    do {
      return UInt64(try FileSystem.text(of: path).prefix { !$0.isWhitespace })
    } catch {
      switch error.errno {
      case .noSuchFileOrDirectory?: return nil
      case .permissionDenied?: throw unreadable(path, operation)
      case let errno: throw BPFError.kernel("\(operation): read \"\(path)\"", status: -(errno?.rawValue ?? EIO))
      }
    }
  }
}
