// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// Goes through the kernel's identifiers of one kind of object, and opens each.
enum BPFObjectIdentifiers {
  /// Calls `body` with each object's descriptor; what goes away meanwhile is left out.
  ///
  /// `what` is for messages: "maps".
  static func forEach(
    _ what: String, next: (UInt32, inout UInt32) -> CInt, open: (UInt32) -> CInt,
    _ body: (borrowing OwnedFileDescriptor, UInt32) throws(BPFError) -> Void
  ) throws(BPFError) {
    LibbpfMessages.silence()
    var identifier: UInt32 = 0
    while true {
      var following: UInt32 = 0
      let status = next(identifier, &following)
      if status == -2 { return }
      guard status == 0 else {
        throw BPFError.kernel(byIdentifier: "list the system's \(what)", status: status)
      }
      // Identifiers grow, so this ends.
      guard following > identifier else { return }
      identifier = following
      let descriptor = open(identifier)
      // ENOENT: gone meanwhile. EAGAIN: a link that has its identifier, and is not made yet.
      if descriptor == -2 || descriptor == -11 { continue }
      guard descriptor >= 0 else {
        throw BPFError.kernel(byIdentifier: "open \(identifier) of the system's \(what)", status: descriptor)
      }
      try body(OwnedFileDescriptor(taking: descriptor), identifier)
    }
  }
}

extension BPFMapInfo {
  /// Every map of the system, by identifier.
  ///
  /// - Returns: What the kernel says of each; what goes away meanwhile is left out.
  /// - Throws: `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_MAP_GET_NEXT_ID`
  public static func all() throws(BPFError) -> [BPFMapInfo] {
    var result: [BPFMapInfo] = []
    try BPFObjectIdentifiers.forEach(
      "maps", next: { unsafe bpf_map_get_next_id($0, &$1) }, open: { bpf_map_get_fd_by_id($0) }
    ) { (descriptor, _) throws(BPFError) in
      result.append(try BPFMapInfo(of: descriptor.rawValue, name: nil))
    }
    return result
  }
}
