// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Foundation
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

/// `struct sample_pair` of `pair_swapped.bpf.c`.
private struct OtherPair: BPFValue, BitwiseCopyable {
  var right: UInt32
  var middle: UInt32

  static let layout = StructLayout(
    "sample_pair", of: Self.self, fields: [.init("right", \.right), .init("middle", \.middle)])
}

extension BPFKernelTests {
  @Suite("Objects in the kernel")
  struct ObjectTests {
    @Test func `a planted layout mismatch is refused by struct and field when the object is opened`() {
      #expect {
        _ = try BPFObject(.planted, checking: [SampleState.layout, endpoint.layout])
      } throws: {
        ($0 as? BPFError)?.code == .layoutMismatch
          && "\($0)".contains(#"struct sample_state: field "decision" is at offset 8 in the object but at 12 in Swift"#)
          && "\($0)".contains(#"field "flags" is at offset 12 in the object but at 8 in Swift"#)
          && "\($0)".contains(#"struct endpoint: field "extra" (offset 8) is in the object but not in Swift"#)
          && "\($0)".contains("it has 16 bytes in the object but 24 in Swift")
      }
    }

    @Test func `a planted layout mismatch is refused when the map is taken`() throws {
      let object = try BPFObject(.planted).load()
      #expect {
        _ = try object.map("flow", as: BPFHashMap<UInt32, SampleState>.self)
      } throws: {
        ($0 as? BPFError)?.code == .layoutMismatch
          && "\($0)".hasPrefix(#"map "flow", value: struct sample_state: field"#)
      }
      #expect {
        _ = try object.map("endpoint", as: BPFArrayMap<endpoint>.self)
      } throws: { "\($0)".contains(#"field "extra""#) }
    }

    @Test func `a struct that the object does not describe is refused`() {
      #expect {
        _ = try BPFObject(.cgroup, checking: [flow_record.layout])
      } throws: {
        ($0 as? BPFError)?.code == .layoutMismatch && "\($0)".contains("struct flow_record is not described")
      }
    }

    @Test func `constants reach the program`() throws {
      let object = try loadSamples { (object) throws(BPFError) in
        try object.setConstant("answer", to: UInt32(99))
        try object.setConstant("wide", to: UInt64(2))
      }
      #expect(try object.program("returns_answer").test(packet: packet).returnValue == 100)
    }

    @Test func `a constant of another name or size is refused with what there is`() throws {
      var object = try BPFObject(.samples)
      #expect(throws: BPFError.self) { try object.setConstant("answer", to: UInt64(1)) }
      do {
        try object.setConstant("answer", to: UInt64(1))
      } catch {
        #expect(error.code == .invalidArgument)
        #expect(
          error.message
            == #"set constant "answer" of object "samples": it is a 4-byte unsigned integer, but UInt64 is an 8-byte unsigned integer"#
        )
      }
      do {
        try object.setConstant("question", to: UInt32(1))
        Issue.record("an unknown constant was set")
      } catch {
        #expect(error.code == .notFound)
        #expect(
          error.message
            == #"object "samples" has no constant "question"; it has: answer (4-byte unsigned integer), wide (8-byte unsigned integer)"#
        )
      }
    }

    @Test func `a refused program's error has the verifier's last useful line, and all of its log`() throws {
      do {
        _ = try BPFObject(.refused).load()
        Issue.record("the verifier accepted a program that reads past the end of the packet")
      } catch {
        #expect(error.code == .verifierRejected)
        #expect(error.message.contains(#"the verifier refused program "reads_past_end": "#))
        #expect(error.message.hasSuffix("R1 offset is outside of the packet"))
        let log = try #require(error.verifierLog)
        #expect(log.contains("processed "))
        #expect(log.split(separator: "\n").count > 3)
      }
    }

    @Test func `loads on many tasks keep their messages apart`() async throws {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<16 {
          group.addTask {
            if index.isMultiple(of: 2) {
              _ = try loadSamples()
              return true
            }
            do {
              _ = try BPFObject(.refused).load()
              return false
            } catch {
              return (error as? BPFError)?.verifierLog?.contains("invalid access to packet") == true
            }
          }
        }
        for try await isRight in group { #expect(isRight) }
      }
    }

    @Test func `bytes that are no object are an error, not a trap`() {
      for bytes in [[], [0x7f], Array("not an object".utf8), Array(EmbeddedObject.samples.bytes().prefix(500))] {
        #expect {
          _ = try BPFObject(bytes: bytes, name: "garbage")
        } throws: { ($0 as? BPFError)?.code == .malformedObject && "\($0)".contains("garbage") }
      }
    }

    @Test func `a map is reused only if nothing differs`() throws {
      let first = try loadSamples()
      let numbers = try first.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      try numbers.updateValue(5, forKey: 5)

      let second = try loadSamples { (object) throws(BPFError) in try object.reuse(map: "numbers", from: numbers) }
      #expect(try second.map("numbers", as: BPFHashMap<UInt32, UInt64>.self).value(forKey: 5) == 5)

      var third = try BPFObject(.samples)
      try third.setMaxEntries(7, forMap: "numbers")
      do {
        try third.reuse(map: "numbers", from: numbers)
        Issue.record("a map of another size was reused")
      } catch {
        #expect(error.code == .incompatibleMap)
        #expect(error.message.contains("it has max_entries 1024 but the object wants 7"))
      }
      do {
        try third.reuse(map: "recent", from: numbers)
        Issue.record("a map of another type was reused")
      } catch {
        #expect(error.message.contains("type hash but the object wants LRU hash"))
      }
    }

    @Test func `an excluded program is not loaded`() throws {
      var object = try BPFObject(.samples)
      try object.exclude(program: "emits")
      let loaded = try object.load()
      #expect {
        _ = try loaded.program("emits")
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("excluded") }
      #expect {
        _ = try loaded.program("nothing")
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("counts, dispatches") }
    }

    @Test func `only the selected programs are loaded`() throws {
      var object = try BPFObject(.objects)
      #expect(object.selectedPrograms == ["adds_constants", "touches_variables", "uses_spare", "uses_pairs"])
      try object.select(programs: ["optional", "touches_variables"])
      #expect(object.selectedPrograms == ["touches_variables", "optional"])
      let loaded = try object.load()
      #expect(try loaded.program("optional").test(packet: packet).returnValue == 1)
      #expect {
        _ = try loaded.program("adds_constants")
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("excluded") }
    }

    @Test func `a selection of a program that is not there changes nothing`() throws {
      var object = try BPFObject(.objects)
      #expect {
        try object.select(programs: ["optional", "option"])
      } throws: {
        ($0 as? BPFError)?.code == .notFound
          && "\($0)".hasSuffix(
            #"no program "option"; it has: adds_constants, optional, touches_variables, uses_pairs, uses_spare"#)
      }
      #expect(object.selectedPrograms.count == 4)
      try object.include(program: "optional")
      #expect(object.selectedPrograms.count == 5)
      try object.select(programs: [])
      let loaded = try object.load()
      #expect(try loaded.map("pairs", as: BPFHashMap<UInt32, SamplePair>.self).entries().isEmpty)
    }

    @Test func `a map that only excluded programs use need not be made`() throws {
      var object = try BPFObject(.objects)
      try object.exclude(map: "spare")
      try object.exclude(program: "uses_spare")
      let loaded = try object.load()
      #expect {
        _ = try loaded.map("spare", as: BPFArrayMap<UInt64>.self)
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("excluded") }
      _ = try loaded.map("pairs", as: BPFHashMap<UInt32, SamplePair>.self)
      #expect {
        var other = try BPFObject(.objects)
        try other.exclude(map: "spare")
        _ = try other.load()
      } throws: { ($0 as? BPFError)?.code == .verifierRejected && "\($0)".contains("spare") }
    }

    @Test func `an object is opened by its path, and says which file failed`() throws {
      let path = FilePath("/tmp/bpfmaps-object-\(UInt32.random(in: 0...UInt32.max)).bpf.o")
      try Data(EmbeddedObject.objects.bytes()).write(to: URL(fileURLWithPath: path.string))
      defer { try? FileManager.default.removeItem(atPath: path.string) }
      let object = try BPFObject(path: path, checking: [SamplePair.layout])
      #expect(object.name.hasPrefix("bpfmaps-object-") && !object.name.contains("."))
      try FileManager.default.removeItem(atPath: path.string)
      #expect(try object.load().program("uses_pairs").name == "uses_pairs")
      #expect {
        _ = try BPFObject(path: path)
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains(path.string) }
      try Data("no object".utf8).write(to: URL(fileURLWithPath: path.string))
      #expect {
        _ = try BPFObject(path: path, name: "mine")
      } throws: {
        ($0 as? BPFError)?.code == .malformedObject && "\($0)".contains(path.string)
          && "\($0)".contains(#"open object "mine""#)
      }
      #expect {
        _ = try BPFObject(path: "/tmp")
      } throws: { $0 is BPFError && "\($0)".contains(#"open object "/tmp""#) }
    }

    @Test func `a map whose fields differ is not reused, and the sentence has both sides of each`() throws {
      let swapped = try BPFObject(.pair_swapped).load()
      let pairs = try swapped.map("pairs", as: BPFHashMap<Int32, OtherPair>.self)
      var object = try BPFObject(.objects)
      do throws(BPFError) {
        try object.reuse(map: "pairs", from: pairs)
        Issue.record("a map with other fields was reused")
      } catch {
        #expect(error.code == .incompatibleMap)
        #expect(
          error.message.hasSuffix(
            #"for map "pairs" of object "objects": it has key int but the object wants unsigned int, "#
              + #"value field "right" (at offset 0, 4 bytes) but the object wants it at offset 4, 4 bytes, "#
              + #"value field "middle" (at offset 4, 4 bytes) but the object has no such field, "#
              + #"no value field "left" but the object wants it (at offset 0, 4 bytes)"#), "\(error.message)")
      }
    }

    @Test func `every descriptor is close-on-exec`() async throws {
      try await withPinDirectory { directory in
        let before = Set(try FileSystem.entries(of: "/proc/self/fd"))
        let object = try loadSamples()
        let ring = try object.map("events", as: BPFRingBuffer<flow_record>.self)
        let records = try ring.records()
        let numbers = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
        try numbers.pin(at: directory.appending("numbers"))
        let pinned = try BPFHashMap<UInt32, UInt64>.open(pinnedAt: directory.appending("numbers"))
        let again = try BPFHashMap<UInt32, UInt64>.open(identifier: pinned.identifier)
        var second = try BPFObject(.samples)
        try second.reuse(map: "numbers", from: again)
        let reused = try second.load()
        let opened = Set(try FileSystem.entries(of: "/proc/self/fd")).subtracting(before)
        #expect(opened.count > 40)
        for number in opened {
          guard let text = try? FileSystem.text(of: FilePath("/proc/self/fdinfo/\(number)")) else { continue }
          let flags = text.split(separator: "\n").first { $0.hasPrefix("flags:") }
          let bits = try #require(flags?.split(separator: "\t").last.flatMap { Int($0, radix: 8) })
          #expect(bits & 0o2000000 != 0, "descriptor \(number): \(text)")
        }
        records.finish()
        _ = try reused.program("counts")
        _ = try object.program("counts")
      }
    }

    @Test func `a descriptor of something else is no map`() {
      #expect {
        _ = try BPFMapHandle(taking: OwnedFileDescriptor.open("/dev/null", flags: 0))
      } throws: { ($0 as? BPFError)?.code == .malformedPin }
      #expect {
        let program = try BPFObject(.cgroup).load().program("redirects")
        _ = try BPFMapHandle(taking: OwnedFileDescriptor.duplicating(program.descriptor))
      } throws: { ($0 as? BPFError)?.code == .malformedPin }
    }

    @Test func `opening, loading and closing leaves no descriptor`() async throws {
      try await expectNoDescriptorLeak {
        for _ in 0..<25 {
          let object = try loadSamples()
          _ = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
          _ = try object.program("counts")
          #expect(throws: BPFError.self) { _ = try BPFObject(.refused).load() }
          #expect(throws: BPFError.self) { _ = try BPFObject(bytes: [1, 2, 3], name: "garbage") }
        }
      }
    }
  }
}
