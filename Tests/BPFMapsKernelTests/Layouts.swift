// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import SystemPackage

/// `struct sample_key` of the programs, declared in Swift.
public struct SampleKey: BPFValue, BitwiseCopyable {
  var endpoint: UInt32
  var peer: UInt32
  var port: UInt16
  var transport: UInt8
  var padding: UInt8 = 0

  /// As in the programs.
  public static let layout = StructLayout(
    "sample_key", of: Self.self,
    fields: [
      .init("endpoint", \.endpoint), .init("peer", \.peer), .init("port", \.port), .init("transport", \.transport),
      .init("padding", \.padding),
    ])
}

/// `struct sample_state` of the programs, declared in Swift.
public struct SampleState: BPFValue, BitwiseCopyable {
  var lastSeen: UInt64
  var flags: UInt32
  var decision: UInt32

  /// As in the programs.
  public static let layout = StructLayout(
    "sample_state", of: Self.self,
    fields: [.init("last_seen", \.lastSeen), .init("flags", \.flags), .init("decision", \.decision)])
}

/// `struct sample_odd` of the programs, declared in Swift: 5 bytes, at a stride of 8.
public struct SampleOdd: BPFValue, BitwiseCopyable, Hashable {
  var number: UInt32
  var letter: UInt8

  /// As in the programs.
  public static let layout = StructLayout(
    "sample_odd", of: Self.self, fields: [.init("number", \.number), .init("letter", \.letter)])
}

/// `struct sample_prefix` of the programs, declared in Swift.
public struct SamplePrefix: BPFValue, BitwiseCopyable {
  var length: UInt32
  var number: UInt32
  var address: UInt32

  /// As in the programs.
  public static let layout = StructLayout(
    "sample_prefix", of: Self.self,
    fields: [.init("length", \.length), .init("number", \.number), .init("address", \.address)])
}

/// `struct sample_class` of the programs, declared in Swift.
public struct SampleClass: BPFValue, BitwiseCopyable {
  var classID: UInt32
  var flags: UInt32

  /// As in the programs.
  public static let layout = StructLayout(
    "sample_class", of: Self.self, fields: [.init("class_id", \.classID), .init("flags", \.flags)])
}

/// A packet of 60 bytes that says it is IPv4.
let packet: [UInt8] = [UInt8](repeating: 0, count: 12) + [0x08, 0x00] + [UInt8](repeating: 1, count: 46)

/// Opens and loads the sample programs.
func loadSamples(_ prepare: (inout BPFObject) throws(BPFError) -> Void = { _ in }) throws(BPFError) -> LoadedObject {
  var object = try BPFObject(.samples, checking: [flow_record.layout])
  try prepare(&object)
  return try object.load()
}

/// Lends a directory on a bpf file system that nobody else uses; it is gone afterwards, whatever is pinned in it.
func withPinDirectory(_ body: (FilePath) async throws -> Void) async throws {
  let directory = FilePath("/tmp/bpfmaps-pins-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
  try BPFFileSystem.ensureMounted(at: directory)
  defer {
    _ = unsafe directory.withPlatformString { unsafe umount2($0, CInt(MNT_DETACH)) }
    _ = unsafe directory.withPlatformString { unsafe rmdir($0) }
  }
  try await body(directory)
}
