// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// What the kernel says of a link: which program it keeps attached. `struct bpf_link_info`
public struct BPFLinkInfo: Sendable, Hashable {
  /// The kernel's identifier, as `bpftool link` shows it.
  public var identifier: UInt32
  /// What kind of link it is.
  public var kind: BPFLinkKind
  /// The program that is attached; 0: none.
  public var programIdentifier: UInt32

  /// Every link of the system, by identifier.
  ///
  /// Programs attached in other ways, such as clsact filters, have none.
  ///
  /// - Returns: What the kernel says of each; what goes away meanwhile is left out.
  /// - Throws: `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_LINK_GET_NEXT_ID`
  public static func all() throws(BPFError) -> [BPFLinkInfo] {
    var result: [BPFLinkInfo] = []
    try BPFObjectIdentifiers.forEach(
      "links", next: { unsafe bpf_link_get_next_id($0, &$1) }, open: { bpf_link_get_fd_by_id($0) }
    ) { (descriptor, identifier) throws(BPFError) in
      var status: CInt = 0
      let number = descriptor.rawValue
      let raw = withZeroed(bpf_link_info.self) { info in
        var length = UInt32(MemoryLayout<bpf_link_info>.size)
        status = unsafe bpf_obj_get_info_by_fd(number, &info, &length)
        return info
      }
      guard status == 0 else { throw BPFError.kernel("ask about link \(identifier)", status: status) }
      result.append(
        BPFLinkInfo(
          identifier: raw.id, kind: BPFLinkKind(rawValue: UInt32(raw.type)), programIdentifier: raw.prog_id))
    }
    return result
  }
}
