// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// An object in the kernel: its maps and programs.
///
/// Maps and programs taken from it own descriptors of their own and may outlive it.
public struct LoadedObject: ~Copyable, Sendable {
  let pointer: ObjectPointer
  /// The types that it describes; nil: it was compiled without (`clang -g` adds them).
  public let types: BTF?
  private let logs: [String: String]
  /// The object's name, for messages.
  public let name: String

  init(_ pointer: consuming ObjectPointer, types: BTF?, name: String, logs: [String: String]) {
    self.pointer = pointer
    self.types = types
    self.name = name
    self.logs = logs
  }

  /// The names of its maps, those of its data sections included.
  public var mapNames: [String] { pointer.mapNames }

  /// The names of its programs.
  public var programNames: [String] { pointer.programNames }

  /// A map, compared with the Swift types.
  ///
  /// - Parameters:
  ///   - map: The map's name.
  ///   - type: Such as `BPFHashMap<flow_key, flow_state>.self`.
  /// - Returns: The map, with a descriptor of its own.
  /// - Throws: `notFound`, listing the maps there are, or when it was excluded from the load; `incompatibleMap` for
  ///   another kind of map; `layoutMismatch`, naming struct and field.
  public func map<Map: BPFMapProtocol & ~Copyable>(_ map: String, as type: Map.Type) throws(BPFError) -> Map {
    guard let found = unsafe pointer.map(map) else {
      throw BPFError(
        .notFound,
        "object \"\(name)\" has no map \"\(map)\"; it has: \(pointer.mapNames.sorted().joined(separator: ", "))")
    }
    let number = unsafe bpf_map__fd(found)
    guard number >= 0 else {
      throw BPFError(.notFound, "map \"\(map)\" of object \"\(name)\" was excluded from the load")
    }
    let descriptor = try BPFError.duplicate(number, of: "map \"\(map)\"")
    var info = try BPFMapInfo(of: descriptor.rawValue, name: map)
    // The kernel drops BTF for some kinds of map; the object still has it.
    let definition = unsafe pointer.definition(of: found)
    info.keyType = definition.keyType
    info.valueType = definition.valueType
    try Map.shape.check(info, types)
    try checkRecord(Map.shape, info)
    return Map(checked: BPFMapHandle(descriptor, info))
  }

  /// A program.
  ///
  /// - Parameter program: The C function's name.
  /// - Returns: The program, with a descriptor of its own.
  /// - Throws: `notFound`, listing the programs there are, or when it was excluded from the load.
  public func program(_ program: String) throws(BPFError) -> BPFProgram {
    guard let found = unsafe pointer.program(program) else {
      throw BPFError(
        .notFound,
        "object \"\(name)\" has no program \"\(program)\"; it has: \(pointer.programNames.sorted().joined(separator: ", "))"
      )
    }
    let descriptor = unsafe bpf_program__fd(found)
    guard descriptor >= 0 else {
      throw BPFError(.notFound, "program \"\(program)\" of object \"\(name)\" was excluded from the load")
    }
    let attachType = unsafe bpf_program__expected_attach_type(found).rawValue
    return try BPFProgram(
      BPFError.duplicate(descriptor, of: "program \"\(program)\""), name: program,
      expectedAttachType: attachType == 0 ? nil : UInt32(attachType),
      section: unsafe string(borrowing: bpf_program__section_name(found)))
  }

  /// What the verifier wrote of a program; nil: it was not asked to (``VerifierLogging``).
  public func verifierLog(ofProgram program: String) -> String? { logs[program] }

  /// How much work the verifier had with a program; nil: it was not asked (``VerifierLogging/statistics``).
  public func verifierStatistics(ofProgram program: String) -> VerifierStatistics? {
    logs[program].flatMap { VerifierStatistics(parsing: $0) }
  }

  /// A ring buffer's map says nothing of its records; where the object describes the struct, compare that.
  private func checkRecord(_ shape: BPFMapShape, _ info: BPFMapInfo) throws(BPFError) {
    guard info.kind == .ringBuffer, let record = shape.record, !record.isScalar,
      let described = types?.structure(named: record.name), let differences = record.differences(from: described)
    else { return }
    throw BPFError(.layoutMismatch, "ring buffer \"\(info.name)\": \(differences)")
  }
}
