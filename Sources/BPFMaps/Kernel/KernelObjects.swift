// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import SystemPackage

/// What a descriptor of the bpf file system stands for. `/proc/self/fdinfo`
enum KernelObjectKind {
  case map, program, link, other

  /// `BPF_OBJ_GET` opens whatever is pinned, and the information calls of maps and programs answer alike.
  init(of descriptor: CInt) {
    guard let text = try? FileSystem.text(of: FilePath("/proc/thread-self/fdinfo/\(descriptor)")) else {
      self = .other
      return
    }
    if text.contains("map_type:") {
      self = .map
    } else if text.contains("link_type:") {
      self = .link
    } else if text.contains("prog_type:") {
      self = .program
    } else {
      self = .other
    }
  }
}

extension BTF {
  /// The BTF that the kernel keeps under an identifier; nil: none (0), or the process may not read it.
  static func ofKernel(_ identifier: UInt32) -> BTF? {
    guard identifier != 0, let btf = unsafe btf__load_from_kernel_by_id(identifier) else { return nil }
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
