// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import SystemPackage

/// Whose a directory of pins is, and what was pinned there.
struct OwnerRecord: Hashable {
  struct Entry: Hashable {
    var kind: BPFPin.Kind
    var identifier: UInt32
    var name: String
  }

  private static let title = "bpfmaps pins 1"

  var owner: String
  var entries: [Entry]

  init(owner: String, entries: [Entry]) {
    self.owner = owner
    self.entries = entries
  }

  /// Reads a record; nil: it is none.
  init?(parsing text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 3, lines[0] == Self.title, lines[1].hasPrefix("owner "), lines.last == "" else { return nil }
    var entries: [Entry] = []
    for line in lines[2...].dropLast() {
      let words = line.split(separator: " ")
      guard words.count == 3, let kind = BPFPin.Kind(rawValue: String(words[0])), let identifier = UInt32(words[1]),
        OwnerRecord.isName(words[2])
      else { return nil }
      entries.append(Entry(kind: kind, identifier: identifier, name: String(words[2])))
    }
    self.init(owner: String(lines[1].dropFirst(6)), entries: entries)
  }

  /// The record as text.
  var text: String {
    let lines = entries.map { "\($0.kind.rawValue) \($0.identifier) \($0.name)\n" }
    return "\(Self.title)\nowner \(owner)\n\(lines.joined())"
  }

  func pins(in directory: FilePath) -> [String: BPFPin] {
    var pins: [String: BPFPin] = [:]
    for entry in entries {
      pins[entry.name] = BPFPin(
        path: directory.appending(entry.name), kind: entry.kind, identifier: entry.identifier)
    }
    return pins
  }

  /// C's names: nothing that leads out of the directory.
  private static func isName(_ text: Substring) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
      }
  }

  /// A map whose one value is the record, frozen.
  func makeMap(_ operation: String) throws(BPFError) -> OwnedFileDescriptor {
    let bytes = Array(text.utf8)
    let result = unsafe bpf_map_create(BPF_MAP_TYPE_ARRAY, "pin_owner", 4, UInt32(bytes.count), 1, nil)
    guard result >= 0 else { throw BPFError.kernel("\(operation): make the record of their owner", status: result) }
    let map = OwnedFileDescriptor(taking: result)
    var index: UInt32 = 0
    var status = unsafe bpf_map_update_elem(map.rawValue, &index, bytes, 0)
    if status == 0 { status = bpf_map_freeze(map.rawValue) }
    guard status == 0 else { throw BPFError.kernel("\(operation): write the record of their owner", status: status) }
    return map
  }

  /// The text behind a record's pin; nil: it is no such map.
  static func read(_ path: FilePath, _ pin: BPFPin, _ operation: String) throws(BPFError) -> String? {
    guard pin.kind == .map else { return nil }
    let map = try BPFMapHandle.open(pinnedAt: path)
    guard map.info.kind == .array, map.info.keySize == 4, map.info.valueSize <= 1 << 20 else { return nil }
    var bytes = [UInt8](repeating: 0, count: map.info.valueSize)
    var index: UInt32 = 0
    let status = unsafe bpf_map_lookup_elem(map.descriptor.rawValue, &index, &bytes)
    guard status == 0 else { throw BPFError.kernel("\(operation): read the record of their owner", status: status) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
