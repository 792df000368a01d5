// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import SystemPackage

/// A map to be made without an object.
struct MapDefinition {
  var kind: BPFMapKind
  var name: String
  var key: StructLayout?
  var value: StructLayout?
  var keySize: Int
  var valueSize: Int
  var maximumEntryCount: UInt32
  var flags: BPFMapFlags
  /// `map_extra`.
  var extra: UInt64 = 0
  /// The descriptor of the map that tells what inner maps are like.
  var inner: CInt?

  init(
    _ shape: BPFMapShape, kind: BPFMapKind? = nil, name: String, maximumEntryCount: UInt32, flags: BPFMapFlags = []
  ) throws(BPFError) {
    guard let kind = kind ?? shape.kinds.first, shape.kinds.contains(kind) else {
      let kinds = shape.kinds.map(\.description).joined(separator: " or ")
      throw BPFError(
        .invalidArgument, "create map \"\(name)\": a map of this type is a \(kinds), not a \(kind?.description ?? "")")
    }
    self.kind = kind
    self.name = name
    key = shape.key
    value = shape.value
    keySize = shape.key?.size ?? shape.keySize
    valueSize = shape.value?.size ?? shape.valueSize
    self.maximumEntryCount = maximumEntryCount
    self.flags = flags
    if kind == .lpmTrie || kind.isStorage { self.flags.insert(.noPreallocation) }
    if kind.isStorage { self.maximumEntryCount = 0 }
  }

  private var operation: String { "create map \"\(name)\" (\(kind))" }

  /// Makes the map, described by BTF where the kernel takes that.
  func create() throws(BPFError) -> BPFMapHandle {
    let isPlain = name.utf8.allSatisfy { byte in
      ("a"..."z").contains(Unicode.Scalar(byte)) || ("A"..."Z").contains(Unicode.Scalar(byte))
        || ("0"..."9").contains(Unicode.Scalar(byte)) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
    guard isPlain else {
      throw BPFError(.invalidArgument, "\(operation): a name has only letters, digits, \"_\" and \".\"")
    }
    guard kind != .arrayOfMaps && kind != .hashOfMaps || inner != nil else {
      throw BPFError(.invalidArgument, "\(operation): it takes a prototype of the inner maps: create(name:…prototype:)")
    }
    LibbpfMessages.silence()
    let types = kind.keepsTypes ? MapTypes(key: key, value: value) : nil
    var result = call(types)
    // Not every process that may make maps may load BTF; nothing but storage depends on it.
    if result < 0, types != nil, !kind.isStorage { result = call(nil) }
    guard result >= 0 else { throw failure(result) }
    let descriptor = OwnedFileDescriptor(taking: result)
    let info = try BPFMapInfo(of: descriptor.rawValue, name: name)
    return BPFMapHandle(descriptor, info)
  }

  private func call(_ types: borrowing MapTypes?) -> CInt {
    var numbers: (descriptor: CInt, key: UInt32, value: UInt32) = (0, 0, 0)
    switch types {
    case .some(let types): numbers = (types.descriptor, types.key, types.value)
    case .none: break
    }
    return withZeroed(bpf_map_create_opts.self) { options in
      options.sz = MemoryLayout<bpf_map_create_opts>.size
      options.map_flags = flags.rawValue
      options.map_extra = extra
      if numbers.value != 0 {
        options.btf_fd = UInt32(bitPattern: numbers.descriptor)
        options.btf_key_type_id = numbers.key
        options.btf_value_type_id = numbers.value
      }
      if let inner { options.inner_map_fd = UInt32(bitPattern: inner) }
      return unsafe name.withCString { name in
        unsafe bpf_map_create(
          bpf_map_type(kind.rawValue), name, UInt32(keySize), UInt32(valueSize), maximumEntryCount, &options)
      }
    }
  }

  private func failure(_ status: CInt) -> BPFError {
    let sizes =
      "keys of \(keySize) bytes, values of \(valueSize), \(maximumEntryCount) entries, flags 0x"
      + String(flags.rawValue, radix: 16)
    if status.saysUnsupported, let minimum = kind.minimumKernel, KernelVersion.running < minimum {
      return BPFError(
        .notSupported, "\(operation): this kernel has no \(kind) maps; they come with Linux \(minimum)",
        errno: Errno(rawValue: -status))
    }
    let error = BPFError.kernel("\(operation), \(sizes)", status: status)
    guard error.code == .full else { return error }
    return BPFError(
      .invalidArgument, "\(operation): it is too large for the kernel (\(sizes))", errno: error.errno)
  }
}

extension BPFMapKind {
  /// Values that belong to something else, which also limits how many there are.
  var isStorage: Bool { self == .socketStorage || self == .cgroupStorage || self == .attachedCgroupStorage }

  /// The kernel keeps the types of keys and values, so that tools can print the map.
  var keepsTypes: Bool { [1, 2, 5, 6, 9, 10, 11, 19, 24, 32].contains(rawValue) }

  /// Beyond the supported floor.
  var minimumKernel: KernelVersion? {
    switch self {
    case .cgroupStorage: KernelVersion(6, 2)
    default: nil
    }
  }
}
