// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import SystemPackage

extension BTF {
  /// The running kernel's own types.
  ///
  /// - Throws: `notSupported` where the kernel was built without; `permissionDenied`; `malformedObject`.
  /// - Requires: A kernel with `CONFIG_DEBUG_INFO_BTF`. `/sys/kernel/btf/vmlinux`
  public static func vmlinux() throws(BPFError) -> BTF {
    let bytes: [UInt8]
    do {
      bytes = try FileSystem.contents(of: "/sys/kernel/btf/vmlinux", limit: 256 << 20)
    } catch {
      guard error.code == .notFound else {
        throw BPFError.kernel("read the kernel's types", status: -(error.errno ?? .ioError).rawValue)
      }
      throw BPFError(
        .notSupported,
        "read the kernel's types: \(error.message); the kernel must be built with CONFIG_DEBUG_INFO_BTF, and sysfs mounted",
        errno: error.errno)
    }
    return try BTF(decoding: bytes)
  }

  /// The types that the kernel keeps under an identifier, such as ``BPFMapInfo/typesIdentifier``.
  ///
  /// - Parameter identifier: As `bpftool btf` shows it.
  /// - Returns: The types.
  /// - Throws: `notFound`; `permissionDenied`; `malformedObject`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_BTF_GET_FD_BY_ID`
  public static func open(identifier: UInt32) throws(BPFError) -> BTF {
    let result = bpf_btf_get_fd_by_id(identifier)
    guard result >= 0 else { throw BPFError.kernel(byIdentifier: "open types \(identifier)", status: result) }
    let descriptor = OwnedFileDescriptor(taking: result)
    let operation = "read types \(identifier)"
    var bytes: [UInt8] = []
    var information = try information(of: descriptor.rawValue, into: &bytes, operation)
    bytes = [UInt8](repeating: 0, count: Int(information.size))
    information = try self.information(of: descriptor.rawValue, into: &bytes, operation)
    // A module's types continue those of the kernel.
    let base = information.isKernel && information.name != "vmlinux" ? try vmlinux() : nil
    return try BTF(decoding: bytes, base: base)
  }

  private struct Information {
    var size: UInt32
    var name: String
    var isKernel: Bool
  }

  private static func information(
    of descriptor: CInt, into bytes: inout [UInt8], _ operation: String
  ) throws(BPFError) -> Information {
    var status: CInt = 0
    var name = [UInt8](repeating: 0, count: 64)
    let raw = unsafe bytes.withUnsafeMutableBytes { bytes in
      unsafe name.withUnsafeMutableBytes { name in
        withZeroed(bpf_btf_info.self) { info in
          var length = UInt32(MemoryLayout<bpf_btf_info>.size)
          info.btf = UInt64(UInt(bitPattern: bytes.baseAddress))
          info.btf_size = UInt32(bytes.count)
          info.name = UInt64(UInt(bitPattern: name.baseAddress))
          info.name_len = UInt32(name.count)
          status = unsafe bpf_obj_get_info_by_fd(descriptor, &info, &length)
          return info
        }
      }
    }
    guard status == 0 else { throw BPFError.kernel(operation, status: status) }
    return Information(
      size: raw.btf_size, name: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self), isKernel: raw.kernel_btf != 0)
  }

  /// The types in an object file, found without libbpf.
  ///
  /// - Parameter bytes: An ELF image, as ``EmbeddedObject/bytes()`` or a file has it.
  /// - Returns: The types.
  /// - Throws: `malformedObject`, also for an object without a `.BTF` section (compile with `clang -g`).
  public static func ofObject(_ bytes: [UInt8]) throws(BPFError) -> BTF {
    let file = try ELFFile(bytes)
    guard let section = try file.section(named: ".BTF") else {
      throw BPFError(.malformedObject, "read the object's types: it has no .BTF section; compile it with clang -g")
    }
    return try BTF(decoding: Array(bytes[section]))
  }
}
