// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
public import SystemPackage

/// A loaded program.
///
/// It stays in the kernel while this value lives, while it is attached or in a program array, or while it is pinned.
public struct BPFProgram: ~Copyable, Sendable {
  private let handle: OwnedFileDescriptor
  /// The C function's name.
  public let name: String
  /// The kernel's identifier, as `bpftool prog` shows it.
  public let identifier: UInt32
  /// The `SEC()` it was compiled with; empty for a program opened from a pin.
  public let section: String
  let expectedAttachType: UInt32?

  init(
    _ handle: consuming OwnedFileDescriptor, name: String?, expectedAttachType: UInt32?, section: String
  ) throws(BPFError) {
    var status: CInt = 0
    let descriptor = handle.rawValue
    let info = withZeroed(bpf_prog_info.self) { info in
      var length = UInt32(MemoryLayout<bpf_prog_info>.size)
      status = unsafe bpf_obj_get_info_by_fd(descriptor, &info, &length)
      return (id: info.id, name: string(info.name))
    }
    guard status == 0 else { throw BPFError.kernel("ask about program \"\(name ?? "?")\"", status: status) }
    self.handle = handle
    self.name = name ?? info.name
    self.identifier = info.id
    self.section = section
    self.expectedAttachType = expectedAttachType
  }

  /// The program's descriptor, valid while this value lives.
  ///
  /// Pass it to a call; never store it.
  public var descriptor: CInt { handle.rawValue }

  /// Opens a program that somebody pinned.
  ///
  /// - Parameter path: A file on a bpf file system.
  /// - Returns: The object behind the pin or identifier.
  /// - Throws: `notFound`; `malformedPin` for a pinned map or attachment; `permissionDenied`. `BPF_OBJ_GET`
  public static func open(pinnedAt path: FilePath) throws(BPFError) -> BPFProgram {
    let descriptor = try Pins.open(path, "program")
    guard try BPFObjectReference.Kind(of: descriptor.rawValue, "open program \"\(path)\"") == .program else {
      throw BPFError(.malformedPin, "open program \"\(path)\": what is pinned there is not a program")
    }
    return try BPFProgram(descriptor, name: nil, expectedAttachType: nil, section: "")
  }

  /// Keeps the program at a path, beyond the life of this process.
  ///
  /// - Parameter path: A file that does not exist, in a directory on a bpf file system.
  /// - Throws: `pinExists`: nothing is replaced; `notBPFFileSystem`; `notFound`; `permissionDenied`. `BPF_OBJ_PIN`
  public borrowing func pin(at path: FilePath) throws(BPFError) {
    try Pins.pin(handle.rawValue, "program \"\(name)\"", at: path)
  }

  /// Another owner of the same program: a second descriptor.
  ///
  /// - Throws: `systemCall` when the process has too many open descriptors.
  public borrowing func duplicate() throws(BPFError) -> BPFProgram {
    try BPFProgram(
      BPFError.duplicate(handle.rawValue, of: "program \"\(name)\""), name: name,
      expectedAttachType: expectedAttachType, section: section)
  }
}
