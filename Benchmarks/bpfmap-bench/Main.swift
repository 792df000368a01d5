// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import BenchSupport
import ExampleSupport
import Foundation

/// Parses, and measures; 1 is the status of a failure, 2 of wrong usage.
@main
enum Main {
  /// Measures maps while the process has one thread, like the floor: where threads share descriptors, the kernel counts who
  /// uses them, which is a few per cent of an operation.
  static func main() {
    do {
      if let command = try? BPFMapBenchCommand.parse(), !command.printObject { try command.measureMaps() }
    } catch {
      try? FileHandle.standardError.write(contentsOf: Data("bpfmap-bench: \(error)\n".utf8))
      exit(1)
    }
    Task { await BPFMapBenchCommand.runAndExit() }
    dispatchMain()
  }
}

/// The operations of BPFMaps, one JSON line each.
struct BPFMapBenchCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "bpfmap-bench",
    abstract: "Measures the maps and ring buffers of BPFMaps.",
    discussion: """
      Prints one JSON line per operation: value is the median over chunks of 100, cpu the processor time and mean the time \
      by the clock per operation over the whole loop, all in nanoseconds; allocs counts blocks taken from the heap per \
      operation. bpfmap-bench-c prints the same lines for C on libbpf; `make bench` compares the two.

      Needs CAP_BPF and CAP_NET_ADMIN. Exit status: 0, 1 for a failure, 2 for wrong usage.
      """)

  @Option(help: "Factor on the number of entries, above 0 and at most 1.")
  var scale = 1.0

  @Option(help: "Only these operations.")
  var group: Group?

  @Option(help: "Load the BPF object in this file instead of the embedded one.")
  var object: String?

  @Flag(help: "Write the embedded BPF object to standard output, for bpfmap-bench-c --object, and do nothing else.")
  var printObject = false

  /// What is measured on one map.
  enum Group: String, ExpressibleByArgument, CaseIterable { case hash, percpu, lpm, array, batch, ring }

  func validate() throws {
    guard scale > 0, scale <= 1 else { throw ValidationError("--scale must be above 0 and at most 1.") }
  }

  func run() async throws {
    if printObject {
      try FileHandle.standardOutput.write(contentsOf: Data(EmbeddedObject.bench.bytes()))
      return
    }
    if isWanted(.ring) { try await RingOperations(load()).run() }
    Measurement.reportPeakMemory()
  }

  /// All groups but the ring.
  ///
  /// Each has maps of its own, so that only those it needs are there.
  func measureMaps() throws {
    let operations = MapOperations(count: count)
    for group in Group.allCases where group != .ring && isWanted(group) {
      let object = try load()
      switch group {
      case .hash:
        try operations.hash(object.map("hash8", as: BPFHashMap<UInt64, Value>.self), "hash8", key8)
        try operations.hash(object.map("hash40", as: BPFHashMap<Key40, Value>.self), "hash40", Key40.init)
      case .percpu: try operations.perCPU(object.map("pcpu8", as: BPFPerCPUHashMap<UInt64, Value>.self))
      case .lpm: try operations.trie(object.map("lpm", as: BPFLPMTrie<LPMKey, Value>.self))
      case .array: try operations.array(object.map("array", as: BPFArrayMap<Value>.self))
      case .batch:
        let map = try object.map("batch", as: BPFHashMap<UInt64, Value>.self)
        try operations.batch(map, size: 100_000)
        try operations.batch(map, size: 1000)
      case .ring: break
      }
    }
  }

  private var count: Int { max(MapOperations.chunk, Int(100_000 * scale)) }

  private func isWanted(_ group: Group) -> Bool { self.group == nil || self.group == group }

  private func load() throws -> LoadedObject {
    let bytes = try object.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }
    var object = try BPFObject(bytes: bytes ?? EmbeddedObject.bench.bytes(), name: "bench", checking: [Record.layout])
    for map in ["hash8", "hash40", "pcpu8", "lpm", "array", "batch"] {
      try object.setMaxEntries(UInt32(count), forMap: map)
    }
    return try object.load()
  }
}
