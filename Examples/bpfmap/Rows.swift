// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import Glibc
import SystemPackage

/// One object as it is listed: as cells of a table, or as JSON with the field names of `bpftool -j`.
protocol Row: Encodable {
  static var columns: [String] { get }
  var cells: [String] { get }
}

extension Row {
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

/// Who keeps an object: pins and processes.
struct Keepers {
  struct Process: Encodable {
    let pid: Int32
    let comm: String
  }

  private let pins: [BPFObjectReference: [FilePath]]
  private let holders: [BPFObjectReference: [BPFObjectHolder]]

  /// Looks at the file systems and processes; before the objects are opened, so that this process is not among them.
  init() {
    pins = BPFObjectReference.pins()
    holders = BPFObjectHolder.all()
  }

  func pins(_ reference: BPFObjectReference) -> [String]? { pins[reference]?.map(\.string) }

  func processes(_ reference: BPFObjectReference) -> [Process]? {
    holders[reference]?.map { Process(pid: $0.process, comm: $0.name) }
  }
}

extension [Keepers.Process] {
  var text: String { map { "\($0.comm) (\($0.pid))" }.joined(separator: ", ") }
}

struct MapRow: Row {
  let id: UInt32
  let type: String
  let name: String?
  let flags: UInt32
  let bytesKey: Int
  let bytesValue: Int
  let maxEntries: UInt32
  let bytesMemlock: Int?
  let frozen: Int
  let btfId: UInt32?
  let pinned: [String]?
  let pids: [Keepers.Process]?

  init(_ map: borrowing BPFRawMap, _ keepers: Keepers) {
    let info = map.info
    let reference = BPFObjectReference(.map, info.identifier)
    id = info.identifier
    type = info.kind.kernelName
    name = info.name.isEmpty ? nil : info.name
    flags = info.flags
    bytesKey = info.keySize
    bytesValue = info.valueSize
    maxEntries = info.maximumEntryCount
    bytesMemlock = map.memory
    frozen = map.isFrozen ? 1 : 0
    btfId = info.typesIdentifier == 0 ? nil : info.typesIdentifier
    pinned = keepers.pins(reference)
    pids = keepers.processes(reference)
  }

  static let columns = [
    "ID", "NAME", "KIND", "KEY", "VALUE", "MAX", "FLAGS", "MEMORY", "TYPES", "PINNED", "HELD BY",
  ]

  var cells: [String] {
    [
      "\(id)", name ?? "", type, "\(bytesKey)", "\(bytesValue)", "\(maxEntries)", flagNames.joined(separator: ","),
      bytesMemlock.map { "\($0)" } ?? "", btfId == nil ? "no" : "yes", (pinned ?? []).joined(separator: ", "),
      (pids ?? []).text,
    ]
  }

  private var flagNames: [String] {
    let known = [
      "no_prealloc", "no_common_lru", "numa_node", "rdonly", "wronly", "stack_build_id", "zero_seed", "rdonly_prog",
      "wronly_prog", "clone", "mmapable", "preserve_elems", "inner_map",
    ]
    let names = (0..<32).filter { flags >> $0 & 1 == 1 }.map { $0 < known.count ? known[$0] : "bit\($0)" }
    return names + (frozen == 1 ? ["frozen"] : [])
  }
}

struct ProgramRow: Row {
  let id: UInt32
  let type: String
  let name: String?
  let tag: String
  let gplCompatible: Bool
  let runTimeNs: UInt64?
  let runCnt: UInt64?
  let recursionMisses: UInt64?
  let loadedAt: UInt64
  let uid: UInt32
  let bytesXlated: Int
  let jited: Bool
  let bytesJited: Int?
  let bytesMemlock: Int?
  let mapIds: [UInt32]?
  let btfId: UInt32?
  let pinned: [String]?
  let pids: [Keepers.Process]?

  init(_ info: BPFProgramInfo, _ keepers: Keepers) {
    let reference = BPFObjectReference(.program, info.identifier)
    id = info.identifier
    type = info.kind.description
    name = info.name.isEmpty ? nil : info.name
    tag = info.tag
    gplCompatible = info.isGPLCompatible
    runTimeNs = info.runTime == 0 ? nil : info.runTime
    runCnt = info.runTime == 0 ? nil : info.runCount
    recursionMisses = info.recursionMisses == 0 ? nil : info.recursionMisses
    loadedAt = Self.wallClock(info.loadTime)
    uid = info.user
    bytesXlated = info.translatedSize
    jited = info.compiledSize != 0
    bytesJited = info.compiledSize == 0 ? nil : info.compiledSize
    bytesMemlock = info.memory
    mapIds = info.mapIdentifiers.isEmpty ? nil : info.mapIdentifiers
    btfId = info.typesIdentifier == 0 ? nil : info.typesIdentifier
    pinned = keepers.pins(reference)
    pids = keepers.processes(reference)
  }

  static let columns = [
    "ID", "NAME", "TYPE", "TAG", "INSTRUCTIONS", "MEMORY", "MAPS", "RUNS", "NS/RUN", "PINNED", "HELD BY",
  ]

  var cells: [String] {
    let perRun = runTimeNs.flatMap { time in runCnt.flatMap { $0 == 0 ? nil : time / $0 } }
    return [
      "\(id)", name ?? "", type, tag, "\(bytesXlated / 8)", bytesMemlock.map { "\($0)" } ?? "",
      (mapIds ?? []).map { "\($0)" }.joined(separator: ","), runCnt.map { "\($0)" } ?? "",
      perRun.map { "\($0)" } ?? "", (pinned ?? []).joined(separator: ", "), (pids ?? []).text,
    ]
  }

  /// Seconds since 1970, from nanoseconds since the machine started.
  private static func wallClock(_ sinceBoot: UInt64) -> UInt64 {
    var real = timespec()
    var boot = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &real)
    unsafe clock_gettime(CLOCK_BOOTTIME, &boot)
    let fraction = (real.tv_nsec - boot.tv_nsec + Int(truncatingIfNeeded: sinceBoot)) / 1_000_000_000
    return UInt64(max(0, real.tv_sec - boot.tv_sec + fraction))
  }
}

struct LinkRow: Row {
  let id: UInt32
  let type: String
  let progId: UInt32
  let pinned: [String]?
  let pids: [Keepers.Process]?

  init(_ info: AttachmentInfo, _ keepers: Keepers) {
    let reference = BPFObjectReference(.link, info.identifier)
    id = info.identifier
    type = info.kind.description
    progId = info.programIdentifier
    pinned = keepers.pins(reference)
    pids = keepers.processes(reference)
  }

  static let columns = ["ID", "TYPE", "PROGRAM", "PINNED", "HELD BY"]

  var cells: [String] { ["\(id)", type, "\(progId)", (pinned ?? []).joined(separator: ", "), (pids ?? []).text] }
}
