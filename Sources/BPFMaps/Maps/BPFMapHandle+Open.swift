// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
public import LinuxSystem
public import SystemPackage

extension BPFMapHandle {
  /// Takes over a map's descriptor.
  ///
  /// - Throws: `malformedPin` when the descriptor is of something else. `BPF_OBJ_GET_INFO_BY_FD`
  public init(taking descriptor: consuming OwnedFileDescriptor) throws(BPFError) {
    let info = try BPFMapInfo(of: descriptor.rawValue, name: nil)
    self.init(descriptor, info)
  }

  /// Opens a pinned map, whatever its types.
  ///
  /// - Parameter path: A file on a bpf file system.
  /// - Returns: The object behind the pin or identifier.
  /// - Throws: `notFound`; `malformedPin` for a pinned program or attachment; `permissionDenied`.
  public static func open(pinnedAt path: FilePath) throws(BPFError) -> BPFMapHandle {
    let descriptor = try Pins.open(path, "map")
    do {
      return try BPFMapHandle(taking: descriptor)
    } catch  where error.code == .malformedPin {
      throw BPFError(.malformedPin, "open map \"\(path)\": what is pinned there is not a map")
    }
  }

  /// Opens a map by the kernel's identifier, whatever its types.
  ///
  /// - Parameter identifier: As `bpftool map` shows it.
  /// - Returns: The object behind the pin or identifier.
  /// - Throws: `notFound`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_MAP_GET_FD_BY_ID`
  public static func open(identifier: UInt32) throws(BPFError) -> BPFMapHandle {
    try BPFMapHandle(taking: descriptor(identifier: identifier))
  }

  static func descriptor(identifier: UInt32) throws(BPFError) -> OwnedFileDescriptor {
    let result = bpf_map_get_fd_by_id(identifier)
    guard result >= 0 else { throw BPFError.kernel(byIdentifier: "open map \(identifier)", status: result) }
    return OwnedFileDescriptor(taking: result)
  }

  /// Another owner of the same map.
  ///
  /// - Throws: `systemCall` when the process has too many open descriptors.
  public borrowing func duplicate() throws(BPFError) -> BPFMapHandle {
    BPFMapHandle(try BPFError.duplicate(descriptor.rawValue, of: "map \"\(info.name)\""), info)
  }
}

extension BPFError {
  /// A second descriptor, close-on-exec.
  static func duplicate(_ descriptor: CInt, of object: String) throws(BPFError) -> OwnedFileDescriptor {
    do {
      return try OwnedFileDescriptor.duplicating(descriptor)
    } catch {
      throw BPFError.kernel("duplicate the descriptor of \(object)", status: -error.rawValue)
    }
  }
}

extension BPFMapInfo {
  /// Asks the kernel.
  ///
  /// - Parameters:
  ///   - descriptor: An open map.
  ///   - name: What to call it where the kernel's 15 bytes are too few.
  /// - Throws: `malformedPin` when the descriptor is of something else.
  init(of descriptor: CInt, name: String?) throws(BPFError) {
    // A program's or link's information has another layout under the same call.
    guard try BPFObjectReference.Kind(of: descriptor, "ask about a map") == .map else {
      throw BPFError(.malformedPin, "descriptor \(descriptor) is not a map")
    }
    var status: CInt = 0
    let raw = withZeroed(bpf_map_info.self) { raw in
      var length = UInt32(MemoryLayout<bpf_map_info>.size)
      status = unsafe bpf_obj_get_info_by_fd(descriptor, &raw, &length)
      return raw
    }
    guard status == 0 else { throw BPFError.kernel("ask about map descriptor \(descriptor)", status: status) }
    self.init(
      name: name ?? string(raw.name), identifier: raw.id, kind: BPFMapKind(rawValue: raw.type),
      keySize: Int(raw.key_size),
      valueSize: Int(raw.value_size), maximumEntryCount: raw.max_entries, flags: raw.map_flags, btf: raw.btf_id,
      keyType: raw.btf_key_type_id, valueType: raw.btf_value_type_id)
  }
}
