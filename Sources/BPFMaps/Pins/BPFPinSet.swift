// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
public import SystemPackage

/// The pins of an object in one directory, made together, with a record of whose they are.
///
/// ```swift
/// let pins = try loaded.pin(in: "/sys/fs/bpf/terway", owner: "terway-agent")
/// …
/// let pins = try BPFPinSet.open(in: "/sys/fs/bpf/terway", owner: "terway-agent")  // after a restart
/// let flows = try pins.map("flow", as: BPFHashMap<flow_key, flow_state>.self)
/// try pins.remove()
/// ```
///
/// The record is a pin too, `owner-record`: a frozen map with the owner's name, and kind and identifier of each pin. So it
/// lives exactly as long as the pins do, and nobody can change it by mistake.
public struct BPFPinSet: Sendable, Hashable {
  /// Where the pins are.
  public let directory: FilePath
  /// Whose they are.
  public let owner: String
  /// The pins, by name; the record is not among them.
  public let pins: [String: BPFPin]
  let record: BPFPin

  static let recordName = "owner-record"

  /// Opens what ``LoadedObject/pin(in:owner:)`` made, and compares each pin with the record.
  ///
  /// - Parameters:
  ///   - directory: An absolute path on a bpf file system.
  ///   - owner: The name that the pins were made under.
  ///   - allowingMissing: Whether pins may be gone, or replaced by somebody, so that the rest can be removed.
  /// - Returns: The set.
  /// - Throws: `notFound` where there is no record; `foreignPin` for another owner's, and for pins that somebody
  ///   replaced; `incompletePins`, listing which are missing; `malformedPin`; `notBPFFileSystem`; `permissionDenied`.
  ///   Nothing is changed.
  public static func open(
    in directory: FilePath, owner: String, allowingMissing: Bool = false
  ) throws(BPFError) -> BPFPinSet {
    let operation = "open the pins in \"\(directory)\""
    let path = directory.appending(recordName)
    guard let record = try BPFPin(at: path) else {
      let there = (try? FileSystem.entries(of: directory)) ?? []
      throw BPFError(
        .notFound,
        "\(operation): there is no record of their owner (\(recordName)); the directory "
          + (there.isEmpty ? "is empty" : "has: \(there.joined(separator: ", "))"))
    }
    guard let text = try OwnerRecord.read(path, record, operation), let content = OwnerRecord(parsing: text) else {
      throw BPFError(.malformedPin, "\(operation): \(recordName) is no record of an owner")
    }
    guard content.owner == owner else {
      throw BPFError(
        .foreignPin,
        "\(operation): they are those of \"\(content.owner)\", not of \"\(owner)\", and were left as they are")
    }
    let set = BPFPinSet(
      directory: directory, owner: owner, pins: content.pins(in: directory), record: record)
    try set.check(operation, allowingMissing: allowingMissing)
    return set
  }

  /// A pinned map, with its types checked.
  ///
  /// - Parameters:
  ///   - name: The map's name in the object.
  ///   - type: Such as `BPFHashMap<flow_key, flow_state>.self`.
  /// - Returns: The map.
  /// - Throws: `notFound`, listing the pins there are; `foreignPin` for a map that somebody put in its place; and as
  ///   ``BPFMapProtocol/open(pinnedAt:)``.
  public func map<Map: BPFMapProtocol & ~Copyable>(_ name: String, as type: Map.Type) throws(BPFError) -> Map {
    let pin = try require(name)
    let map = try Map.open(pinnedAt: pin.path)
    try compare(pin, .map, map.identifier)
    return map
  }

  /// A pinned program.
  ///
  /// - Parameter name: The program's name in the object.
  /// - Returns: The program.
  /// - Throws: As ``map(_:as:)``.
  public func program(_ name: String) throws(BPFError) -> BPFProgram {
    let pin = try require(name)
    let program = try BPFProgram.open(pinnedAt: pin.path)
    try compare(pin, .program, program.identifier)
    return program
  }

  /// Removes every pin that still is ours, the record at last, and the directory if nothing else is in it.
  ///
  /// Pins that are gone are not an error.
  ///
  /// - Returns: Paths that hold something else by now, and were left as they are. The record stays with them.
  /// - Throws: `permissionDenied`; `notBPFFileSystem`. What was removed before stays removed; do it again.
  @discardableResult
  public func remove() throws(BPFError) -> [FilePath] {
    var foreign: [FilePath] = []
    for pin in pins.values.sorted(by: { $0.path.string < $1.path.string }) {
      do {
        try pin.remove()
      } catch  where error.code == .foreignPin || error.code == .malformedPin || error.code == .invalidArgument {
        foreign.append(pin.path)
      }
    }
    guard foreign.isEmpty else { return foreign }
    try record.remove()
    BPFFileSystem.removeDirectoryIfEmpty(directory)
    return []
  }

  private func check(_ operation: String, allowingMissing: Bool) throws(BPFError) {
    var missing: [String] = []
    var foreign: [String] = []
    for (name, pin) in pins.sorted(by: { $0.key < $1.key }) {
      do {
        guard let there = try BPFPin(at: pin.path) else {
          missing.append(name)
          continue
        }
        if there != pin { foreign.append("\(name) (\(there.label), not \(pin.label))") }
      } catch  where error.code == .invalidArgument || error.code == .malformedPin {
        foreign.append("\(name) (no pin of a map, program or attachment)")
      }
    }
    guard allowingMissing || foreign.isEmpty else {
      throw BPFError(
        .foreignPin, "\(operation): somebody replaced \(foreign.joined(separator: ", ")); all was left as it is")
    }
    guard allowingMissing || missing.isEmpty else {
      throw BPFError(
        .incompletePins,
        "\(operation): \(missing.count) of \(pins.count) are missing: \(missing.joined(separator: ", ")); "
          + "open the rest with allowingMissing and remove it, then pin again")
    }
  }

  private func require(_ name: String) throws(BPFError) -> BPFPin {
    guard let pin = pins[name] else {
      throw BPFError(
        .notFound,
        "no \"\(name)\" is pinned in \"\(directory)\"; there are: \(pins.keys.sorted().joined(separator: ", "))")
    }
    return pin
  }

  private func compare(_ pin: BPFPin, _ kind: BPFPin.Kind, _ identifier: UInt32) throws(BPFError) {
    let there = BPFPin(path: pin.path, kind: kind, identifier: identifier)
    guard there == pin else {
      throw BPFError(.foreignPin, "open pin \"\(pin.path)\": it is \(there.label) by now, not \(pin.label)")
    }
  }
}
