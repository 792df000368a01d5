// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem

extension FeatureProbe {
  static func mapKind(_ kind: BPFMapKind) -> BPFFeature.Availability {
    guard let facts = MapKindFacts.all[kind.rawValue] else {
      return .unknown(reason: "there is no probe for \(kind)")
    }
    let status = create(kind, facts)
    if status >= 0 { _ = OwnedFileDescriptor(taking: status) }
    if status >= 0 || status == facts.refusal { return .available }
    switch status {
    case -EINVAL, -524, -EOPNOTSUPP:
      return missing("BPF_MAP_CREATE does not know map type \(kind.rawValue)", since: facts.kernel)
    default: return refused("create a probe map of kind \(facts.name)", status: status)
    }
  }

  /// An empty batch is answered without a look at the map by those kinds that have the operation.
  static func batch(_ batch: BPFFeature.Batch, _ kind: BPFMapKind) -> BPFFeature.Availability {
    guard let facts = MapKindFacts.all[kind.rawValue] else {
      return .unknown(reason: "there is no probe for \(kind)")
    }
    let result = create(kind, facts)
    guard result >= 0 else {
      let known = mapKind(kind)
      return known == .available ? .unknown(reason: "no probe map of kind \(facts.name) can be made") : known
    }
    let map = OwnedFileDescriptor(taking: result)
    let status = emptyBatch(batch, map.rawValue)
    switch status {
    case 0, -ENOENT: return .available
    case -524, -EOPNOTSUPP, -EINVAL:
      return .missing(
        reason: "maps of kind \(facts.name) have no batched \(batch.rawValue) (errno \(-status))", minimumKernel: nil)
    default: return refused("a batched \(batch.rawValue) of a probe map of kind \(facts.name)", status: status)
    }
  }

  private static func emptyBatch(_ batch: BPFFeature.Batch, _ map: CInt) -> CInt {
    var count: UInt32 = 0
    // No kind has larger keys or values in its probe map, nor a larger position.
    return unsafe withUnsafeTemporaryAllocation(byteCount: 96, alignment: 16) { room in
      unsafe room.initializeMemory(as: UInt8.self, repeating: 0)
      let position = room.baseAddress
      let keys = unsafe position.map { unsafe $0 + 32 }
      let values = unsafe position.map { unsafe $0 + 64 }
      return withZeroed(bpf_map_batch_opts.self) { options in
        options.sz = MemoryLayout<bpf_map_batch_opts>.size
        switch batch {
        case .lookUp: return unsafe bpf_map_lookup_batch(map, nil, position, keys, values, &count, &options)
        case .take: return unsafe bpf_map_lookup_and_delete_batch(map, nil, position, keys, values, &count, &options)
        case .update: return unsafe bpf_map_update_batch(map, keys, values, &count, &options)
        case .delete: return unsafe bpf_map_delete_batch(map, keys, &count, &options)
        }
      }
    }
  }

  static func mappableArray() -> BPFFeature.Availability {
    let flag: UInt32 = 1 << 10
    let status = create(.array, MapKindFacts(name: "array", kernel: KernelVersion(3, 19), flags: flag))
    guard status >= 0 else {
      return status == -EINVAL
        ? missing("BPF_MAP_CREATE does not know BPF_F_MMAPABLE", since: KernelVersion(5, 5))
        : refused("create a probe map", status: status)
    }
    let map = OwnedFileDescriptor(taking: status)
    let memory = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map.rawValue, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return mapping(status: -errno) }
    _ = unsafe munmap(memory, 4096)
    return .available
  }

  /// What it means that a map could not be mapped: only a refusal of the kind says something of the kernel.
  static func mapping(status: CInt) -> BPFFeature.Availability {
    switch status {
    case -EINVAL, -ENODEV, -EOPNOTSUPP, -524: missing("mmap(2) of a map is refused", since: KernelVersion(5, 5))
    default: refused("map a probe map into memory", status: status)
    }
  }

  /// - Returns: A descriptor, or the negative error number.
  private static func create(_ kind: BPFMapKind, _ facts: MapKindFacts) -> CInt {
    var inner: CInt = 0
    if facts.needsInnerMap {
      inner = create(.hash, MapKindFacts(name: "hash", kernel: KernelVersion(3, 19)))
      guard inner >= 0 else { return inner }
    }
    defer { if facts.needsInnerMap { _ = close(inner) } }
    return withTypes(facts.needsTypes) { types in
      withZeroed(bpf_map_create_opts.self) { options in
        options.sz = MemoryLayout<bpf_map_create_opts>.size
        options.map_flags = facts.flags
        if facts.needsInnerMap { options.inner_map_fd = UInt32(inner) }
        if facts.refusal != nil { options.btf_vmlinux_value_type_id = 1 }
        if let types {
          options.btf_fd = UInt32(types.descriptor)
          options.btf_key_type_id = types.integer
          options.btf_value_type_id = types.structure
        }
        return unsafe bpf_map_create(
          bpf_map_type(kind.rawValue), nil, facts.keySize, facts.valueSize, facts.entries, &options)
      }
    }
  }

  private struct Types {
    var descriptor: CInt
    var integer: UInt32
    var structure: UInt32
  }

  /// Lends `int` and a struct of one, in the kernel.
  private static func withTypes(_ areNeeded: Bool, _ body: (Types?) -> CInt) -> CInt {
    guard areNeeded else { return body(nil) }
    guard let btf = unsafe btf__new_empty() else { return -ENOMEM }
    defer { unsafe btf__free(btf) }
    let integer = unsafe btf__add_int(btf, "int", 4, 1)
    let structure = unsafe btf__add_struct(btf, "probe", 4)
    guard integer > 0, structure > 0, unsafe btf__add_field(btf, "number", integer, 0, 0) == 0 else { return -ENOMEM }
    let status = unsafe btf__load_into_kernel(btf)
    guard status == 0 else { return status }
    return body(Types(descriptor: unsafe btf__fd(btf), integer: UInt32(integer), structure: UInt32(structure)))
  }
}
