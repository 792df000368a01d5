// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
public import SystemPackage

/// A BPF object file, opened but not yet in the kernel: the time to set constants, sizes and shared maps.
///
/// ```swift
/// var object = try BPFObject(.pod, checking: [flow_record.layout])
/// try object.setConstant("record_allowed", to: UInt32(1))
/// try object.setMaxEntries(65_536, forMap: "flow")
/// let loaded = try object.load()
/// ```
public struct BPFObject: ~Copyable, Sendable {
  private let pointer: ObjectPointer
  /// The types that it describes; nil: it was compiled without (`clang -g` adds them).
  public let types: BTF?
  /// The object's name, for messages.
  public let name: String

  /// Opens an object file, and compares the structs that the caller names with the object's description of them.
  ///
  /// An object is code for the kernel: open only what you would run. libbpf reads the ELF image, and its releases up to the
  /// one tested with (1.1.2) can crash on an image that was made to.
  ///
  /// - Parameters:
  ///   - bytes: The ELF image, with BTF (`clang -g`).
  ///   - name: What messages call it.
  ///   - layouts: Structs that cross the kernel border. Keys and values of maps are compared when the map is asked
  ///     for; this list is for records, and to fail early.
  /// - Throws: `malformedObject`; `layoutMismatch`, naming each struct and field that differs.
  public init(bytes: [UInt8], name: String, checking layouts: [StructLayout] = []) throws(BPFError) {
    let pointer = try ObjectPointer.open(bytes, name: name)
    let types = pointer.btf
    var differences: [String] = []
    for layout in layouts where !layout.isScalar {
      if let described = types?.structure(named: layout.name) {
        if let difference = layout.differences(from: described) { differences.append(difference) }
      } else {
        differences.append(
          "struct \(layout.name) is not described; mention it in the program: const struct \(layout.name) *unused")
      }
    }
    guard differences.isEmpty else {
      throw BPFError(.layoutMismatch, "object \"\(name)\": \(differences.joined(separator: "; "))")
    }
    self.pointer = pointer
    self.types = types
    self.name = name
  }

  /// Opens an object that the build embedded.
  ///
  /// - Parameters:
  ///   - object: What the `BPFCompile` plugin made.
  ///   - layouts: As for ``init(bytes:name:checking:)``.
  /// - Throws: As ``init(bytes:name:checking:)``.
  public init(_ object: EmbeddedObject, checking layouts: [StructLayout] = []) throws(BPFError) {
    try self.init(bytes: object.bytes(), name: object.name, checking: layouts)
  }

  /// The names of its maps, those of its data sections included.
  public var mapNames: [String] { pointer.mapNames }

  /// The names of its programs.
  public var programNames: [String] { pointer.programNames }

  /// Sets a `const volatile` variable, so that the verifier can use its value.
  ///
  /// - Parameters:
  ///   - variable: The C variable.
  ///   - value: A value of exactly the variable's size.
  /// - Throws: `notFound`, listing the variables there are; `invalidArgument` for another size.
  public mutating func setConstant<Value: BitwiseCopyable>(_ variable: String, to value: Value) throws(BPFError) {
    let variables = types?.variables(inSection: ".rodata") ?? []
    guard let found = variables.first(where: { $0.name == variable }) else {
      throw BPFError(.notFound, missing("constant", variable, among: variables.map { "\($0.name) (\($0.size) bytes)" }))
    }
    let size = MemoryLayout<Value>.size
    guard found.size == size else {
      throw BPFError(
        .invalidArgument,
        "set constant \"\(variable)\" of object \"\(name)\": it has \(found.size) bytes, but \(Value.self) has \(size)")
    }
    var length = 0
    guard let map = unsafe pointer.map(".rodata"), let start = unsafe bpf_map__initial_value(map, &length),
      found.offset >= 0, found.offset + size <= length
    else {
      throw BPFError(
        .malformedObject, "set constant \"\(variable)\" of object \"\(name)\": its section has no such place")
    }
    var section = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
    unsafe withUnsafeBytes(of: value) { unsafe section.replaceSubrange(found.offset..<found.offset + size, with: $0) }
    let status = unsafe bpf_map__set_initial_value(map, section, length)
    if status != 0 { throw BPFError.kernel("set constant \"\(variable)\" of object \"\(name)\"", status: status) }
  }

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

  /// Loads without one of the object's programs.
  ///
  /// - Parameter program: The program's name.
  /// - Throws: `notFound`, listing the programs there are.
  public mutating func exclude(program: String) throws(BPFError) {
    guard let found = unsafe pointer.program(program) else {
      throw BPFError(.notFound, missing("program", program, among: pointer.programNames))
    }
    _ = unsafe bpf_program__set_autoload(found, false)
  }

  /// Uses an existing map instead of making one.
  ///
  /// - Parameters:
  ///   - map: The map's name in the object.
  ///   - existing: The map to use.
  /// - Throws: `notFound`; `incompatibleMap` for any difference in type, key size, value size, max_entries or flags.
  public mutating func reuse<Map: BPFMapProtocol & ~Copyable>(
    map: String, from existing: borrowing Map
  ) throws(BPFError) {
    let found = unsafe try require(map)
    let definition = unsafe pointer.definition(of: found)
    let objectName = name
    try existing.withHandle { (handle) throws(BPFError) in
      unsafe try Self.reuse(found, definition, handle, objectName)
    }
  }

  /// Uses a pinned map instead of making one.
  ///
  /// - Parameters:
  ///   - map: The map's name in the object.
  ///   - path: The pin.
  /// - Throws: `notFound`; `malformedPin`; `incompatibleMap` for any difference in type, key size, value size,
  ///   max_entries or flags.
  public mutating func reuse(map: String, pinnedAt path: FilePath) throws(BPFError) {
    let found = unsafe try require(map)
    let handle = try BPFMapHandle.open(pinnedAt: path)
    unsafe try Self.reuse(found, pointer.definition(of: found), handle, name)
  }

  /// Shares a map by path: uses what is pinned there, or pins the new map there when the object is loaded.
  ///
  /// - Parameters:
  ///   - map: The map's name in the object.
  ///   - path: A path on a bpf file system, whose directory exists.
  /// - Returns: Whether a pinned map is used.
  /// - Throws: As ``reuse(map:pinnedAt:)``; `notBPFFileSystem`. If the load fails, no new pin stays.
  @discardableResult
  public mutating func share(map: String, at path: FilePath) throws(BPFError) -> Bool {
    let found = unsafe try require(map)
    try Pins.requireBPFFileSystem(
      path.removingLastComponent(), "share map \"\(map)\" of object \"\(name)\" at \"\(path)\"")
    if Pins.exists(path) {
      try reuse(map: map, pinnedAt: path)
      return true
    }
    let status = unsafe path.withPlatformString { unsafe bpf_map__set_pin_path(found, $0) }
    if status != 0 {
      throw BPFError.kernel("share map \"\(map)\" of object \"\(name)\" at \"\(path)\"", status: status)
    }
    return false
  }

  /// Creates the maps, and has the kernel verify and load the programs.
  ///
  /// On failure nothing stays in the kernel.
  ///
  /// - Returns: The object in the kernel.
  /// - Throws: `verifierRejected`, with the last useful line of the log in the message and all of it in
  ///   ``BPFError/verifierLog``; `permissionDenied`; `systemCall`.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 5.8. `BPF_PROG_LOAD`, `BPF_MAP_CREATE`
  public consuming func load() throws(BPFError) -> LoadedObject {
    let (status, messages) = LibbpfMessages.collect { unsafe bpf_object__load(pointer.raw) }
    guard status == 0 else { throw LoadFailure.describe(object: name, status: status, messages: messages) }
    return LoadedObject(pointer, types: types, name: name)
  }

  private func require(_ map: String) throws(BPFError) -> OpaquePointer {
    guard let found = unsafe pointer.map(map) else {
      throw BPFError(.notFound, missing("map", map, among: pointer.mapNames))
    }
    return unsafe found
  }

  private func missing(_ what: String, _ wanted: String, among names: [String]) -> String {
    let there = names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
    return "object \"\(name)\" has no \(what) \"\(wanted)\"; it has: \(there)"
  }

  private static func reuse(
    _ map: OpaquePointer, _ definition: BPFMapInfo, _ handle: borrowing BPFMapHandle, _ object: String
  ) throws(BPFError) {
    let operation =
      "use map \"\(handle.info.name)\" (identifier \(handle.info.identifier)) for map \"\(definition.name)\" of object \"\(object)\""
    if let difference = definition.incompatibility(with: handle.info) {
      throw BPFError(.incompatibleMap, "\(operation): \(difference)")
    }
    let (status, words) = LibbpfMessages.collect { unsafe bpf_map__reuse_fd(map, handle.descriptor.rawValue) }
    if status != 0 { throw BPFError.kernel(operation, status: status, words: words) }
  }
}
