// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import SystemPackage

extension Attachment {
  /// Puts another program in the attached one's place, in one step: no packet or socket meets a gap.
  ///
  /// The place among other programs of the hook stays.
  ///
  /// - Parameter program: A program of the same type and hook.
  /// - Throws: `invalidArgument` for another type; `notFound` when the hook is gone, or its filter was replaced by others;
  ///   `notSupported` for tracing and perf attachments. `BPF_LINK_UPDATE`, `RTM_NEWTFILTER`
  public borrowing func replaceProgram(with program: borrowing BPFProgram) async throws(BPFError) {
    try await replace(with: program.descriptor, program.identifier, name: program.name, expecting: nil)
  }

  /// Puts another program in the attached one's place, in one step, if that one is still `old`.
  ///
  /// For several owners of one pinned attachment: of two that replace the same program, one wins.
  ///
  /// - Parameters:
  ///   - program: A program of the same type and hook.
  ///   - old: What has to be attached now.
  /// - Throws: `busy` when another program is attached; else as ``replaceProgram(with:)``. `BPF_F_REPLACE`
  public borrowing func replaceProgram(
    with program: borrowing BPFProgram, ifStill old: borrowing BPFProgram
  ) async throws(BPFError) {
    try await replace(
      with: program.descriptor, program.identifier, name: program.name,
      expecting: (old.descriptor, old.identifier, old.name))
  }

  private borrowing func replace(
    with program: CInt, _ identifier: UInt32, name: String,
    expecting old: (descriptor: CInt, identifier: UInt32, name: String)?
  ) async throws(BPFError) {
    let operation = "replace \(description) by \"\(name)\""
    if let filter {
      return try await filter.replaceProgram(with: program, identifier, name: name, ifStill: old?.identifier)
    }
    guard let link = linkDescriptor else { return }
    let status = withZeroed(bpf_link_update_opts.self) { options in
      options.sz = MemoryLayout<bpf_link_update_opts>.size
      if let old {
        options.flags = 1 << 2
        options.old_prog_fd = UInt32(bitPattern: old.descriptor)
      }
      return unsafe bpf_link_update(link, program, &options)
    }
    switch status {
    case 0: return
    case -1 where old != nil:
      throw BPFError(
        .busy, "\(operation): another program than \"\(old?.name ?? "")\" is attached now; look at what it is first",
        errno: .notPermitted)
    case -67:
      throw BPFError(
        .notFound, "\(operation): the hook is gone, nothing is attached any more", errno: .init(rawValue: 67))
    // The kernel says EINVAL for a kind of link that cannot exchange its program.
    case -22 where mechanism == .tracing || mechanism == .perfEvent:
      throw BPFError(
        .notSupported,
        "\(operation): the kernel cannot exchange a tracing program; attach the new one, then detach this one",
        errno: .init(rawValue: -status))
    case -22:
      throw BPFError(
        .invalidArgument, "\(operation): invalid argument; the new program has to be of the same type and hook",
        errno: .invalidArgument)
    default: throw BPFError.kernel(operation, status: status)
    }
  }
}
