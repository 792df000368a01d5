// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

/// libbpf's object, owned.
///
/// libbpf objects belong to no thread; one value owns each, so that calls do not overlap.
@safe struct ObjectPointer: ~Copyable, @unchecked Sendable {
  let raw: OpaquePointer
  /// The object file.
  ///
  /// libbpf is given this memory, not a copy.
  private let image: UnsafeMutableRawBufferPointer

  /// A map as the object has it: libbpf overwrites name and types with those of a map that is reused.
  @safe private struct Declared {
    let map: OpaquePointer
    let name: String
    let keyType: UInt32
    let valueType: UInt32
  }

  private let declared: [Declared]

  /// Opens an ELF image; messages are libbpf's own.
  static func open(_ bytes: [UInt8], name: String) throws(BPFError) -> ObjectPointer {
    let image = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
    unsafe image.copyBytes(from: bytes)
    let (opened, messages) = unsafe LibbpfMessages.collect { () -> (OpaquePointer?, CInt) in
      unsafe name.withCString { name in
        unsafe withZeroed(bpf_object_open_opts.self) { options in
          unsafe options.sz = MemoryLayout<bpf_object_open_opts>.size
          unsafe options.object_name = name
          let object = unsafe bpf_object__open_mem(image.baseAddress, bytes.count, &options)
          return unsafe (object, object == nil ? CInt(libbpf_get_error(nil)) : 0)
        }
      }
    }
    guard let object = unsafe opened.0 else {
      unsafe image.deallocate()
      let words = messages.last.map { " (\($0))" } ?? ""
      throw BPFError(.malformedObject, "open object \"\(name)\" (\(bytes.count) bytes): it is not a BPF object\(words)")
    }
    var declared: [Declared] = []
    var map = unsafe bpf_object__next_map(object, nil)
    while let current = unsafe map {
      unsafe declared.append(
        Declared(
          map: current, name: string(borrowing: bpf_map__name(current)),
          keyType: bpf_map__btf_key_type_id(current), valueType: bpf_map__btf_value_type_id(current)))
      unsafe map = bpf_object__next_map(object, current)
    }
    return unsafe ObjectPointer(raw: object, image: image, declared: declared)
  }

  deinit {
    unsafe bpf_object__close(raw)
    unsafe image.deallocate()
  }

  func map(_ name: String) -> OpaquePointer? {
    // Data sections go by the section, whatever the object is called.
    if name.hasPrefix(".") { return unsafe bpf_object__find_map_by_name(raw, name) }
    return unsafe declared.first { $0.name == name }?.map
  }

  func program(_ name: String) -> OpaquePointer? {
    unsafe bpf_object__find_program_by_name(raw, name)
  }

  var mapNames: [String] { declared.map { $0.name } }

  var programNames: [String] {
    var names: [String] = []
    var program = unsafe bpf_object__next_program(raw, nil)
    while let current = unsafe program {
      unsafe names.append(string(borrowing: bpf_program__name(current)))
      unsafe program = bpf_object__next_program(raw, current)
    }
    return names
  }

  /// Has the verifier write of every program; 0: of refused ones only.
  func setLogLevel(_ level: UInt32) {
    var program = unsafe bpf_object__next_program(raw, nil)
    while let current = unsafe program {
      _ = unsafe bpf_program__set_log_level(current, level)
      unsafe program = bpf_object__next_program(raw, current)
    }
  }

  var btf: BTF? {
    guard let btf = unsafe bpf_object__btf(raw) else { return nil }
    return unsafe BTF(btf)
  }

  /// What the object's definition of a map says.
  func definition(of map: OpaquePointer) -> BPFMapInfo {
    let own = declared.first { unsafe $0.map == map }
    return unsafe BPFMapInfo(
      name: own?.name ?? string(borrowing: bpf_map__name(map)), identifier: 0,
      kind: BPFMapKind(rawValue: UInt32(bpf_map__type(map).rawValue)), keySize: Int(bpf_map__key_size(map)),
      valueSize: Int(bpf_map__value_size(map)), maximumEntryCount: bpf_map__max_entries(map),
      flags: bpf_map__map_flags(map), keyType: own?.keyType ?? bpf_map__btf_key_type_id(map),
      valueType: own?.valueType ?? bpf_map__btf_value_type_id(map))
  }
}
