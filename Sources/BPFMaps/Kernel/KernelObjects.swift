// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

extension BPFObjectReference {
  /// What an open descriptor stands for, and its identifier; nil: neither map, program nor link.
  ///
  /// Takes no descriptor: a process that got its last one for this is told the truth too.
  ///
  /// - Parameters:
  ///   - descriptor: An open descriptor.
  ///   - operation: What asks, for messages.
  /// - Throws: `systemCall` without /proc. `BPF_OBJ_GET_INFO_BY_FD`
  init?(of descriptor: CInt, _ operation: String) throws(BPFError) {
    guard let kind = try Kind(of: descriptor, operation) else { return nil }
    // The information of all three begins with type and identifier.
    var status: CInt = 0
    let identifier = withZeroed((type: UInt32, identifier: UInt32).self) { info in
      var length: UInt32 = 8
      status = unsafe bpf_obj_get_info_by_fd(descriptor, &info, &length)
      return info.identifier
    }
    guard status == 0 else { throw BPFError.kernel(operation, status: status) }
    self.init(kind, identifier)
  }
}

extension BPFObjectReference.Kind {
  /// What an open descriptor stands for; nil: something else. `/proc/self/fd`
  ///
  /// `BPF_OBJ_GET` opens whatever is pinned, and the information calls of maps, programs and links answer alike.
  init?(of descriptor: CInt, _ operation: String) throws(BPFError) {
    guard let target = linkTarget(FilePath("/proc/thread-self/fd/\(descriptor)")) else {
      throw BPFError(
        .systemCall, "\(operation): /proc does not say what was opened; mount procfs on /proc",
        errno: .noSuchFileOrDirectory)
    }
    self.init(target: target)
  }

  /// nil: it is the target of something else.
  init?(target: String) {
    switch target {
    case "anon_inode:bpf-map": self = .map
    case "anon_inode:bpf-prog": self = .program
    case "anon_inode:bpf_link", "anon_inode:bpf-link": self = .link
    default: return nil
    }
  }
}

/// Where a short symbolic link leads, its first 31 bytes; nil: there is none. readlink(2)
func linkTarget(_ path: FilePath) -> String? {
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { target in
    guard let start = target.baseAddress else { return nil }
    let count = unsafe path.withPlatformString { unsafe readlink($0, start, target.count - 1) }
    guard count >= 0 else { return nil }
    return String(decoding: (0..<count).map { unsafe UInt8(bitPattern: target[$0]) }, as: UTF8.self)
  }
}

extension BTF {
  /// The BTF that the kernel keeps under an identifier; nil: none (0), or the process may not read it.
  ///
  /// - Throws: `systemCall` when it could be read but for want of descriptors or memory: what depends on it is not let
  ///   through unseen.
  static func ofKernel(_ identifier: UInt32) throws(BPFError) -> BTF? {
    guard identifier != 0 else { return nil }
    guard let btf = unsafe btf__load_from_kernel_by_id(identifier) else {
      let status = CInt(clamping: libbpf_get_error(nil))
      if [-EPERM, -EACCES, -ENOENT].contains(status) { return nil }
      throw BPFError.kernel("read types \(identifier)", status: status)
    }
    defer { unsafe btf__free(btf) }
    return unsafe BTF(btf)
  }

  /// Decodes what libbpf has.
  init?(_ btf: OpaquePointer) {
    var size: UInt32 = 0
    guard let data = unsafe btf__raw_data(btf, &size) else { return nil }
    self.init(unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: Int(size))))
  }
}

/// A C character array that ends at its first zero byte.
func string<Characters: BitwiseCopyable>(_ characters: Characters) -> String {
  unsafe withUnsafeBytes(of: characters) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

/// A C string that libbpf owns.
func string(borrowing text: UnsafePointer<CChar>?) -> String {
  guard let text = unsafe text else { return "" }
  return unsafe String(cString: text)
}
