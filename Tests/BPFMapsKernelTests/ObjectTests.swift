// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

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
          && "\($0)".contains("it has 16 bytes in the object but 8 in Swift")
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
        #expect(error.message == #"set constant "answer" of object "samples": it has 4 bytes, but UInt64 has 8"#)
      }
      do {
        try object.setConstant("question", to: UInt32(1))
        Issue.record("an unknown constant was set")
      } catch {
        #expect(error.code == .notFound)
        #expect(
          error.message == #"object "samples" has no constant "question"; it has: answer (4 bytes), wide (8 bytes)"#)
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
