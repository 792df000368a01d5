// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
public import SystemPackage

extension BPFObject {
  /// Makes a map larger or smaller than the object says.
  ///
  /// - Parameters:
  ///   - count: At least 1. For a ring buffer: bytes, rounded up to a power of two of at least a page.
  ///   - map: The map's name.
  /// - Throws: `notFound`, listing the maps there are; `invalidArgument`.
  public mutating func setMaxEntries(_ count: UInt32, forMap map: String) throws(BPFError) {
    let found = unsafe try require(map)
    guard count > 0 else {
      throw BPFError(
        .invalidArgument, "set max_entries of map \"\(map)\" of object \"\(name)\": 0 entries; use at least 1")
    }
    let status = unsafe bpf_map__set_max_entries(found, count)
    if status != 0 { throw BPFError.kernel("set max_entries of map \"\(map)\" of object \"\(name)\"", status: status) }
  }

  /// Makes a map of another kind than the object says, for tests of what programs do when it behaves otherwise.
  ///
  /// - Parameters:
  ///   - kind: A kind that programs use in the same way.
  ///   - map: The map's name.
  /// - Throws: `notFound`; `systemCall`.
  package mutating func setKind(_ kind: BPFMapKind, forMap map: String) throws(BPFError) {
    let found = unsafe try require(map)
    let status = unsafe bpf_map__set_type(found, bpf_map_type(kind.rawValue))
    if status != 0 { throw BPFError.kernel("set kind of map \"\(map)\" of object \"\(name)\"", status: status) }
  }

  /// Uses an existing map instead of making one.
  ///
  /// - Parameters:
  ///   - map: The map's name in the object.
  ///   - existing: The map to use.
  /// - Throws: `notFound`; `incompatibleMap` for any difference in type, key size, value size, max_entries, flags, or
  ///   in the fields of keys and values, both sides of each.
  public mutating func reuse<Map: BPFMapProtocol & ~Copyable>(
    map: String, from existing: borrowing Map
  ) throws(BPFError) {
    try existing.withHandle { (handle) throws(BPFError) in try reuse(map, handle) }
  }

  /// Uses a pinned map instead of making one.
  ///
  /// - Parameters:
  ///   - map: The map's name in the object.
  ///   - path: The pin.
  /// - Throws: `notFound`; `malformedPin`; `incompatibleMap` as ``reuse(map:from:)``.
  public mutating func reuse(map: String, pinnedAt path: FilePath) throws(BPFError) {
    _ = unsafe try require(map)
    try reuse(map, BPFMapHandle.open(pinnedAt: path))
  }

  /// Shares a map by path: uses what is pinned there, or pins the new map there when the object is loaded.
  ///
  /// - Parameters:
  ///   - map: The map's name in the object.
  ///   - path: A path on a bpf file system, whose directory exists.
  /// - Returns: Whether a pinned map is used.
  /// - Throws: As ``reuse(map:pinnedAt:)``; `notBPFFileSystem`; `invalidArgument` for a path that cannot be one of a
  ///   pin. If the load fails, no new pin stays.
  @discardableResult
  public mutating func share(map: String, at path: FilePath) throws(BPFError) -> Bool {
    let found = unsafe try require(map)
    let operation = "share map \"\(map)\" of object \"\(name)\" at \"\(path)\""
    try Pins.check(path, operation)
    if Pins.exists(path) {
      try reuse(map: map, pinnedAt: path)
      return true
    }
    let status = unsafe path.withPlatformString { unsafe bpf_map__set_pin_path(found, $0) }
    if status != 0 { throw BPFError.kernel(operation, status: status) }
    return false
  }

  func require(_ map: String) throws(BPFError) -> OpaquePointer {
    guard let found = unsafe pointer.map(map) else {
      throw BPFError(.notFound, missing("map", map, among: pointer.mapNames))
    }
    return unsafe found
  }

  /// Where maps with `__uint(pinning, LIBBPF_PIN_BY_NAME)` are pinned, each under its name; `/sys/fs/bpf` unless set.
  ///
  /// - Parameter directory: A directory on a bpf file system. What is pinned there already is used, as by
  ///   ``share(map:at:)``.
  /// - Throws: `invalidArgument`; `notBPFFileSystem`; `notFound` for a missing directory.
  public mutating func setPinDirectory(_ directory: FilePath) throws(BPFError) {
    for name in mapNames {
      guard let map = unsafe pointer.map(name), unsafe bpf_map__pin_path(map) != nil else { continue }
      let path = directory.appending(name)
      let operation = "pin map \"\(name)\" of object \"\(self.name)\" at \"\(path)\""
      try Pins.check(path, operation)
      let status = unsafe path.withPlatformString { unsafe bpf_map__set_pin_path(map, $0) }
      if status != 0 { throw BPFError.kernel(operation, status: status) }
    }
  }

  /// libbpf would use what is pinned there by itself, but says little of what differs.
  func reusePinsByName() throws(BPFError) {
    for name in mapNames {
      guard let map = unsafe pointer.map(name), let text = unsafe bpf_map__pin_path(map),
        unsafe !bpf_map__is_pinned(map), unsafe bpf_map__fd(map) < 0
      else { continue }
      let path = unsafe FilePath(platformString: text)
      try Pins.check(path, "pin map \"\(name)\" of object \"\(self.name)\" at \"\(path)\"")
      if Pins.exists(path) { try reuse(name, BPFMapHandle.open(pinnedAt: path)) }
    }
  }

  private func reuse(_ map: String, _ existing: borrowing BPFMapHandle) throws(BPFError) {
    let found = unsafe try require(map)
    let definition = unsafe pointer.definition(of: found)
    let info = existing.info
    let operation =
      "use map \"\(info.name)\" (identifier \(info.identifier)) for map \"\(definition.name)\" of object \"\(name)\""
    let difference = MapIncompatibility.sentence(
      info, try BTF.ofKernel(info.btf), wanted: definition, types,
      extra: unsafe (Self.extra(of: existing.descriptor.rawValue), bpf_map__map_extra(found)))
    if let difference {
      throw BPFError(.incompatibleMap, "\(operation): \(difference)")
    }
    let (status, words) = LibbpfMessages.collect { unsafe bpf_map__reuse_fd(found, existing.descriptor.rawValue) }
    if status != 0 { throw BPFError.kernel(operation, status: status, words: words) }
    // With a path libbpf would look there again, take what it finds instead, or pin what is not ours.
    _ = unsafe bpf_map__set_pin_path(found, nil)
  }

  /// What the kind of map makes of it: a bloom filter's number of hash functions.
  private static func extra(of descriptor: CInt) -> UInt64 {
    withZeroed(bpf_map_info.self) { info in
      var length = UInt32(MemoryLayout<bpf_map_info>.size)
      return unsafe bpf_obj_get_info_by_fd(descriptor, &info, &length) == 0 ? info.map_extra : 0
    }
  }
}
