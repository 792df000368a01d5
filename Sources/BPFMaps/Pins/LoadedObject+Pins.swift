// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
public import SystemPackage

extension LoadedObject {
  /// Pins the object's maps and programs into a directory: all, or none.
  ///
  /// Each is pinned under its name; data sections are not. On failure what this call made is removed again, and nothing
  /// else. Killed in the middle, it leaves a record of which some pins are missing, which ``BPFPinSet/open(in:owner:allowingMissing:)``
  /// finds and tells.
  ///
  /// - Parameters:
  ///   - directory: An absolute path on a bpf file system; made if need be, with its parents. Other files in it are no
  ///     obstacle.
  ///   - owner: Whose the pins are, 1 ... 64 characters without line breaks; what removes them must name it.
  /// - Returns: The pins.
  /// - Throws: `pinExists` if any of the names is taken, saying which are and which are not; `invalidArgument`;
  ///   `notBPFFileSystem`; `permissionDenied`. `BPF_OBJ_PIN`
  public func pin(in directory: FilePath, owner: String) throws(BPFError) -> BPFPinSet {
    let operation = "pin object \"\(name)\" in \"\(directory)\""
    guard !owner.isEmpty, owner.count <= 64, !owner.contains(where: \.isNewline) else {
      throw BPFError(.invalidArgument, "\(operation): the owner's name has 1 ... 64 characters and no line breaks")
    }
    let wanted = try pinnable(operation)
    let record = OwnerRecord(owner: owner, entries: wanted.map(\.entry))
    let made = try BPFFileSystem.makeDirectories(directory)
    var done: [BPFPin] = []
    do throws(BPFError) {
      try requireFree(wanted.map(\.entry.name), in: directory, operation)
      let map = try record.makeMap(operation)
      // The record first: whoever finds pins knows whose they are.
      let recordPin = try Self.pin(map.rawValue, "record", at: directory.appending(BPFPinSet.recordName))
      done.append(recordPin)
      for (entry, descriptor) in wanted {
        done.append(
          try Self.pin(
            descriptor, "\(entry.kind.rawValue) \"\(entry.name)\"", at: directory.appending(entry.name)))
      }
      return BPFPinSet(directory: directory, owner: owner, pins: record.pins(in: directory), record: recordPin)
    } catch {
      for pin in done.reversed() { _ = try? pin.remove() }
      for path in made.reversed() { BPFFileSystem.removeDirectoryIfEmpty(path) }
      throw error
    }
  }

  private static func pin(_ descriptor: CInt, _ object: String, at path: FilePath) throws(BPFError) -> BPFPin {
    let pin = try BPFPin(path: path, reference(to: descriptor, "pin \(object) at \"\(path)\""))
    try Pins.pin(descriptor, object, at: path)
    return pin
  }

  private static func reference(
    to descriptor: CInt, _ operation: String
  ) throws(BPFError) -> BPFObjectReference {
    guard let reference = try BPFObjectReference(of: descriptor, operation) else {
      throw BPFError(.systemCall, "\(operation): descriptor \(descriptor) is neither map nor program")
    }
    return reference
  }

  /// Maps that are no data sections, and programs that were loaded.
  ///
  /// The descriptors are the object's.
  private func pinnable(_ operation: String) throws(BPFError) -> [(entry: OwnerRecord.Entry, descriptor: CInt)] {
    var result: [(entry: OwnerRecord.Entry, descriptor: CInt)] = []
    func add(_ name: String, _ descriptor: CInt) throws(BPFError) {
      guard descriptor >= 0 else { return }
      let pin = try BPFPin(path: FilePath(name), Self.reference(to: descriptor, operation))
      result.append((OwnerRecord.Entry(kind: pin.kind, identifier: pin.identifier, name: name), descriptor))
    }
    for name in mapNames {
      guard let map = unsafe pointer.map(name), unsafe !bpf_map__is_internal(map) else { continue }
      try add(name, unsafe bpf_map__fd(map))
    }
    for name in programNames {
      guard let program = unsafe pointer.program(name) else { continue }
      try add(name, unsafe bpf_program__fd(program))
    }
    return result
  }

  private func requireFree(_ names: [String], in directory: FilePath, _ operation: String) throws(BPFError) {
    let all = names.sorted() + [BPFPinSet.recordName]
    let taken = all.filter { Pins.exists(directory.appending($0)) }
    guard !taken.isEmpty else { return }
    let free = all.filter { !taken.contains($0) }
    let rest = free.isEmpty ? "" : "; not there: \(free.joined(separator: ", "))"
    throw BPFError(
      .pinExists,
      "\(operation): there already: \(taken.joined(separator: ", "))\(rest); all was left as it is; remove it with BPFPinSet.open(in:owner:) and remove(), or choose another directory",
      errno: .fileExists)
  }
}

extension BPFObject {
  /// Uses the maps of a set of pins instead of making them, each that the object has too.
  ///
  /// - Parameter pins: The set.
  /// - Throws: `foreignPin`; `incompatibleMap`; and as ``reuse(map:pinnedAt:)``.
  public mutating func reuse(_ pins: BPFPinSet) throws(BPFError) {
    for name in mapNames {
      guard let pin = pins.pins[name], pin.kind == .map else { continue }
      guard try BPFPin(at: pin.path) == pin else {
        throw BPFError(.foreignPin, "use the pins in \"\(pins.directory)\": somebody replaced \"\(name)\"")
      }
      try reuse(map: name, pinnedAt: pin.path)
    }
  }
}
