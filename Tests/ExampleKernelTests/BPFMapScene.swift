// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import ExampleTestSupport
import Foundation
import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// Maps with types that no Swift code declares, pinned where `bpfmap` and `bpftool` find them.
struct BPFMapScene: ~Copyable {
  static let maps = [
    "scene_hash", "scene_lru", "scene_array", "scene_cpu_array", "scene_cpu_hash", "scene_lpm", "scene_plain",
    "scene_programs", "scene_events",
  ]
  static let key = "source=10.0.0.1 peer_addr=10.0.0.2 port=8080 protocol=6"
  static let otherKey = #"{"source": "10.0.0.3", "peer_addr": "10.0.0.4", "port": 443, "protocol": 17}"#
  static let value =
    #"packets=7 balance=-3 state=SCENE_OPEN label="hello, you" blob=[1,2,3,4] isActive=true level=-2 "#
    + "low=5 high=100 first=1 second=2 inner={left=1 right=[2,3,4]} wide=[[5,6],[7,8]]"

  let directory: FilePath
  let object: LoadedObject
  let program: BPFProgram

  func pin(_ map: String) -> String { directory.appending(map).string }

  func identifier(_ map: String) throws -> UInt32 {
    try BPFRawMap.open(pinnedAt: directory.appending(map)).info.identifier
  }

  /// Runs `body` with the scene; nothing of it stays.
  static func with(_ body: (borrowing BPFMapScene) async throws -> Void) async throws {
    let directory = FilePath("/tmp/bpfmap-scene-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
    try BPFFileSystem.ensureMounted(at: directory)
    defer {
      _ = unsafe umount2(directory.string, CInt(MNT_DETACH))
      _ = unsafe rmdir(directory.string)
    }
    var object = try BPFObject(.scene)
    for map in maps { try object.share(map: map, at: directory.appending(map)) }
    let loaded = try object.load()
    let program = try loaded.program("scene_counts_every_packet")
    try program.pin(at: directory.appending("program"))
    try await body(BPFMapScene(directory: directory, object: loaded, program: program))
  }

  /// Runs `bpfmap`, which must succeed.
  @discardableResult
  func bpfmap(_ arguments: String...) async throws -> String {
    let outcome = try await Program("bpfmap").run(arguments)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(arguments): \(outcome.errors)")
    return outcome.output
  }

  /// Writes an entry or two to each map that takes them.
  func fill() throws {
    try set("scene_hash", Self.key, Self.value)
    try set("scene_hash", Self.otherKey, Self.value.replacingOccurrences(of: "OPEN", with: "ENDING"))
    try set("scene_lru", "7", Self.value)
    try set("scene_array", "2", "18446744073709551615")
    try set("scene_cpu_array", "1", "99")
    try set("scene_cpu_hash", "0x10", "4000000000")
    try set("scene_lpm", "10.1.0.0/16", "-5")
    try set("scene_plain", "10.0.0.1", "hex 01 02 03 04 05 06 07 08 09 0a 0b 0c")
  }

  private func set(_ name: String, _ key: String, _ value: String) throws {
    let map = try BPFRawMap.open(pinnedAt: directory.appending(name))
    let format = try BPFMapFormat(map.info, map.info.types())
    let value = try format.valueBytes(parsing: value)
    try map.updateValues(Array(repeating: value, count: map.valueCount), forKey: format.keyBytes(parsing: key))
  }
}

/// What `bpftool -j` says, as JSON; dictionaries for objects.
func bpftool(_ arguments: String...) async throws -> Any {
  let outcome = try await Program(path: "/usr/sbin/bpftool").run(["-j"] + arguments)
  #expect(outcome.status == 0, "bpftool \(arguments): \(outcome.errors)")
  return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
}

func json(_ text: String) throws -> Any { try JSONSerialization.jsonObject(with: Data(text.utf8)) }

/// JSON as text, so that it can be compared.
func canonical(_ value: Any) -> String {
  if let list = value as? [Any] { return "[" + list.map(canonical).joined(separator: ", ") + "]" }
  if let table = value as? [String: Any] {
    return "{" + table.sorted { $0.key < $1.key }.map { "\($0.key): \(canonical($0.value))" }.joined(separator: ", ")
      + "}"
  }
  return "\(value)"
}

/// bpftool's words in those of `bpfmap`, whose help names the three differences.
func translated(_ value: Any, name: String = "") -> Any {
  if let table = value as? [String: Any] {
    var result: [String: Any] = [:]
    for (name, value) in table {
      let value = translated(value, name: name)
      if name.isEmpty, let inner = value as? [String: Any] {
        result.merge(inner) { $1 }
      } else {
        result[name] = value
      }
    }
    return result
  }
  if let list = value as? [Any] { return list.map { translated($0, name: name) } }
  switch name {
  case "source", "peer_addr", "address":
    guard let number = value as? UInt32 else { return value }
    return (0..<4).map { "\(number >> (8 * $0) & 255)" }.joined(separator: ".")
  case "port": return (value as? UInt16)?.byteSwapped ?? value
  case "low", "high": return (value as? String).flatMap { Int($0.dropFirst(2), radix: 16) } ?? value
  default: return value
  }
}
