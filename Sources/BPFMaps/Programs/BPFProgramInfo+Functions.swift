// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// A function of a loaded program.
public struct BPFProgramFunction: Sendable {
  /// Its type: name, parameters, result; its `definition` is the C declaration.
  public let type: BTFType
  /// Where its instructions begin, in instructions as they were loaded.
  public let instructionOffset: Int
}

extension BPFProgramInfo {
  /// The program's functions with their types, the one that the kernel calls first.
  ///
  /// - Returns: The functions; none where the program was loaded without types.
  /// - Throws: `notFound` when the program is gone; `permissionDenied`; `malformedObject`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_BTF_GET_FD_BY_ID`
  public func functions() throws(BPFError) -> [BPFProgramFunction] {
    let descriptor = try BPFProgram.descriptor(identifier: identifier)
    return try described(descriptor.rawValue)
  }

  /// The first function's name where the kernel's own is cut off: it keeps 15 bytes.
  func fullName(_ descriptor: CInt) -> String {
    guard typesIdentifier != 0, name.utf8.count == 15 else { return name }
    let first = (try? described(descriptor))?.first?.type.name ?? name
    return first.hasPrefix(name) ? first : name
  }

  private func described(_ descriptor: CInt) throws(BPFError) -> [BPFProgramFunction] {
    guard typesIdentifier != 0 else { return [] }
    let types = try BTF.open(identifier: typesIdentifier)
    return try Self.functionRecords(descriptor).compactMap { record in
      guard let type = types[record.type], case .function = type.kind else { return nil }
      return BPFProgramFunction(type: type, instructionOffset: Int(record.offset))
    }
  }

  static func ask(
    _ descriptor: CInt, _ maps: inout [UInt32], _ operation: String
  ) throws(BPFError) -> bpf_prog_info {
    var status: CInt = 0
    let raw = unsafe maps.withUnsafeMutableBytes { maps in
      withZeroed(bpf_prog_info.self) { info in
        var length = UInt32(MemoryLayout<bpf_prog_info>.size)
        info.nr_map_ids = UInt32(maps.count / 4)
        info.map_ids = UInt64(UInt(bitPattern: maps.baseAddress))
        status = unsafe bpf_obj_get_info_by_fd(descriptor, &info, &length)
        return info
      }
    }
    guard status == 0 else { throw BPFError.kernel(operation, status: status) }
    return raw
  }

  /// Where functions begin and which types they have. `struct bpf_func_info`
  private static func functionRecords(_ descriptor: CInt) throws(BPFError) -> [(offset: UInt32, type: UInt32)] {
    var none: [UInt32] = []
    let first = try ask(descriptor, &none, "ask about a program's functions")
    let (count, size) = (Int(first.nr_func_info), Int(first.func_info_rec_size))
    guard count > 0, size >= 8, count <= 1 << 20, size <= 4096 else { return [] }
    var bytes = [UInt8](repeating: 0, count: count * size)
    var status: CInt = 0
    unsafe bytes.withUnsafeMutableBytes { bytes in
      withZeroed(bpf_prog_info.self) { info in
        var length = UInt32(MemoryLayout<bpf_prog_info>.size)
        info.nr_func_info = UInt32(count)
        info.func_info_rec_size = UInt32(size)
        info.func_info = UInt64(UInt(bitPattern: bytes.baseAddress))
        status = unsafe bpf_obj_get_info_by_fd(descriptor, &info, &length)
      }
    }
    guard status == 0 else { throw BPFError.kernel("ask about a program's functions", status: status) }
    return (0..<count).map { index in
      (
        UInt32(truncatingIfNeeded: bytes.bits(index * size * 8, 32)),
        UInt32(truncatingIfNeeded: bytes.bits(index * size * 8 + 32, 32))
      )
    }
  }
}
