// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import BenchSupport
import ExampleSupport
import Foundation

/// Parses, and measures; 1 is the status of a failure, 2 of wrong usage.
@main
enum Main {
  static func main() async { await BPFMapBenchCommand.runAndExit() }
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
    let bytes = try object.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }
    let count = max(MapOperations.chunk, Int(100_000 * scale))
    for group in Group.allCases where self.group == nil || self.group == group {
      // Each group has maps of its own, so that only those it needs are there.
      let object = try load(bytes ?? EmbeddedObject.bench.bytes(), entries: UInt32(count))
      let operations = MapOperations(count: count)
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
      case .ring: try await RingOperations(object).run()
      }
    }
    Measurement.reportPeakMemory()
  }

  private func load(_ bytes: [UInt8], entries: UInt32) throws -> LoadedObject {
    var object = try BPFObject(bytes: bytes, name: "bench", checking: [Record.layout])
    for map in ["hash8", "hash40", "pcpu8", "lpm", "array", "batch"] { try object.setMaxEntries(entries, forMap: map) }
    return try object.load()
  }
}
