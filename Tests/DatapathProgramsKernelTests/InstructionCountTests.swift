// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import Foundation
import KernelTestSupport
import LinuxSystem
import Testing

/// The kernel refuses a program of more than a million instructions, and so many are reached suddenly: a branch more in a
/// loop can double what the verifier goes through.
@Suite("Instruction counts", .serialized, .requires(.root))
struct InstructionCountTests {
  private static let objects: [DatapathObject] = [
    .pod, .dispatcher, .sockLB, .sockPeers, .nodeLB, .nodeXDP, .bypassGuard,
  ]

  /// Where the kernel has no type information these cannot be loaded, and something else does their work.
  private static let optional: Set<String> = ["sock_peers"]

  /// As objects are loaded: the pod programs also with services.
  private static let variants = objects.map { ($0, "") } + [(DatapathObject.pod, " with services")]

  private static var series: String {
    let kernel = KernelVersion.running
    return "\(kernel.major).\(kernel.minor)"
  }

  @Test func `no program takes the verifier much more than recorded`() throws {
    let recorded = InstructionCounts.recorded[Self.series] ?? [:]
    var problems: [String] = []
    var lines: [String] = []
    for (object, suffix) in Self.variants {
      let counts: [(program: String, count: Int)]
      do {
        counts = try Self.counts(of: object, suffix)
      } catch let error as BPFError where Self.optional.contains(object.name) {
        print("instruction counts: \(object.name) does not load here: \(error)")
        continue
      }
      for (name, count) in counts {
        lines.append("\"\(name)\": \(count),")
        #expect(count > 0 && count < 1_000_000)
        guard let before = recorded[name] else {
          problems.append("program \"\(name)\" has no record")
          continue
        }
        let growth = (Double(count) / Double(before) - 1) * 100
        if growth > Double(InstructionCounts.tolerance) {
          problems.append("program \"\(name)\" takes \(count) instructions, \(Int(growth)) % more than \(before)")
        }
        if growth < -Double(InstructionCounts.tolerance) {
          print("instruction counts: \"\(name)\" takes \(count) instead of \(before): record it")
        }
      }
    }
    let table = "\"\(Self.series)\": [\n  \(lines.joined(separator: "\n  "))\n],"
    // A series without a record is news, not a failure: the tests run on more kernels than those recorded.
    guard !recorded.isEmpty else {
      print("instruction counts: Linux \(Self.series) has no record; for InstructionCounts.swift:\n\(table)")
      return
    }
    #expect(
      problems.isEmpty,
      "\(problems.joined(separator: "; ")). If that is meant, put into InstructionCounts.swift:\n\(table)")
  }

  private static func counts(
    of object: DatapathObject, _ suffix: String
  ) throws -> [(program: String, count: Int)] {
    var opened = try BPFObject(object.embedded)
    if !suffix.isEmpty { try opened.setConstant("translate_services", to: UInt32(1)) }
    let loaded = try opened.load()
    return try loaded.programNames.sorted().map { program in
      let info = try loaded.program(program).info()
      #expect(info.translatedSize > 0)
      return (program + suffix, Int(info.verifiedInstructionCount))
    }
  }

  @Test func `every source is an object that is counted`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    // The sources need not be where the tests run.
    guard let files = try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: "bpf").path) else {
      return
    }
    let sources = files.filter { $0.hasSuffix(".bpf.c") }.map { String($0.dropLast(6)) }
    #expect(Set(sources) == Set(Self.objects.map(\.name)))
  }

  @Test func `the record names the programs there are`() throws {
    var names: Set<String> = []
    for (object, suffix) in Self.variants {
      names.formUnion(try BPFObject(object.embedded).programNames.map { $0 + suffix })
    }
    for (series, counts) in InstructionCounts.recorded {
      #expect(Set(counts.keys) == names, "Linux \(series)")
    }
  }
}
