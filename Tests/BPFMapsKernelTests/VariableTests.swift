// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import Testing

/// `struct sample_pair` of the programs.
struct SamplePair: BPFValue, BitwiseCopyable, Hashable {
  var left: UInt32
  var right: UInt32

  static let layout = StructLayout(
    "sample_pair", of: Self.self, fields: [.init("left", \.left), .init("right", \.right)])
}

/// The same with its fields swapped.
struct SwappedPair: BPFValue, BitwiseCopyable, Hashable {
  var right: UInt32
  var left: UInt32

  static let layout = StructLayout(
    "sample_pair", of: Self.self, fields: [.init("right", \.right), .init("left", \.left)])
}

extension BPFKernelTests {
  @Suite("Variables of objects")
  struct VariableTests {
    @Test func `constants of every shape reach the program`() throws {
      var object = try BPFObject(.objects)
      #expect(try sum(BPFObject(.objects).load()) == 1 - 1 + 2 + 0 + 97 + 1 + 3 + 4)
      try object.setConstant("word", to: UInt32(100))
      try object.setConstant("signed_word", to: Int32(-7))
      try object.setConstant("byte", to: UInt8(20))
      try object.setConstant("flag", to: true)
      try object.setConstant("letters", to: (Int8(98), Int8(0), Int8(0), Int8(0)))
      try object.setConstant("colour", to: UInt32(2))
      try object.setConstant("pair", to: SamplePair(left: 30, right: 40))
      #expect(try sum(object.load()) == 100 - 7 + 20 + 1 + 98 + 2 + 30 + 40)
    }

    private func sum(_ object: borrowing LoadedObject) throws -> Int32 {
      try object.program("adds_constants").test(packet: packet).returnValue
    }

    @Test func `a constant of another type is refused with what both are`() throws {
      var object = try BPFObject(.objects)
      func expect<Value: BitwiseCopyable>(
        _ name: String, _ value: Value, _ message: String, location: SourceLocation = #_sourceLocation
      ) {
        do throws(BPFError) {
          try object.setConstant(name, to: value)
          Issue.record("\(name) was set to a \(Value.self)", sourceLocation: location)
        } catch {
          #expect(error.code == .invalidArgument, sourceLocation: location)
          #expect(
            error.message == "set constant \"\(name)\" of object \"objects\": \(message)", sourceLocation: location)
        }
      }
      expect("word", UInt64(1), "it is a 4-byte unsigned integer, but UInt64 is an 8-byte unsigned integer")
      expect("word", Int32(1), "it is a 4-byte unsigned integer, but Int32 is a 4-byte signed integer")
      expect("signed_word", UInt32(1), "it is a 4-byte signed integer, but UInt32 is a 4-byte unsigned integer")
      expect("word", true, "it is a 4-byte unsigned integer, but Bool is a Bool")
      expect("flag", UInt8(1), "it is a bool, but UInt8 is a 1-byte unsigned integer")
      expect("word", Float(1), "it is a 4-byte unsigned integer, but Float is a 4-byte floating-point number")
      expect("letters", UInt32(1), "it is an array of 4 bytes, but UInt32 is a 4-byte unsigned integer")
      expect("letters", (Int8(1), Int8(2)), "it is an array of 4 bytes, but (Int8, Int8) is a type of 2 bytes")
      expect(
        "pair", UInt64(1),
        "the object has struct sample_pair (8 bytes) where Swift has UInt64 (8 bytes)")
      expect(
        "pair", (UInt32(1), UInt32(2)),
        "it is a struct sample_pair (8 bytes), but (UInt32, UInt32) is a type of 8 bytes that says nothing of its fields; make it a BPFValue"
      )
      expect(
        "pair", SwappedPair(right: 1, left: 2),
        #"struct sample_pair: field "left" is at offset 0 in the object but at 4 in Swift; field "right" is at offset 4 in the object but at 0 in Swift"#
      )
      expect(
        "word", SamplePair(left: 1, right: 2),
        "it is a 4-byte unsigned integer, but SamplePair is struct sample_pair (8 bytes)")
    }

    @Test func `a constant that is not there is refused with those that are, and variables are none`() throws {
      var object = try BPFObject(.objects)
      for name in ["nothing", "hits"] {
        do throws(BPFError) {
          try object.setConstant(name, to: UInt64(1))
          Issue.record("\(name) was set")
        } catch {
          #expect(error.code == .notFound)
          #expect(
            error.message
              == "object \"objects\" has no constant \"\(name)\"; it has: byte (1-byte unsigned integer), "
              + "colour (4-byte enumeration), flag (bool), letters (array of 4 bytes), pair (struct sample_pair (8 bytes)), "
              + "signed_word (4-byte signed integer), word (4-byte unsigned integer)")
        }
      }
      #expect {
        try object.setInitialValue(of: "word", to: UInt32(1))
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("hits (8-byte unsigned integer)") }
    }

    @Test func `variables begin as they were set, and are shared with the program`() throws {
      var object = try BPFObject(.objects)
      try object.setInitialValue(of: "hits", to: UInt64(1000))
      try object.setInitialValue(of: "total", to: UInt64(7))
      try object.setInitialValue(of: "hidden", to: UInt32(70))
      let loaded = try object.load()
      let hits = try loaded.variable("hits", as: UInt64.self)
      let total = try loaded.variable("total", as: UInt64.self)
      let half = try loaded.variable("half", as: UInt16.self)
      let copied = try loaded.variable("copied", as: UInt32.self)
      let last = try loaded.variable("last", as: SamplePair.self)
      #expect(hits.value == 1000)
      #expect(total.value == 7)
      #expect(half.value == 6)

      try half.setValue(4711)
      let program = try loaded.program("touches_variables")
      let run = try program.test(packet: packet, context: SocketBufferContext(mark: 9), repeat: 3)
      #expect(run.returnValue == 70)
      #expect(hits.value == 1003)
      #expect(total.value == 7 + 3 * UInt64(packet.count))
      #expect(copied.value == 4711)
      #expect(last.value == SamplePair(left: 3, right: 9))

      try last.setValue(SamplePair(left: 100, right: 0))
      try hits.setValue(0)
      #expect(try hits.add(.max) == .max)
      _ = try program.test(packet: packet)
      #expect(hits.value == 0)
      #expect(last.value.left == 101)
    }

    @Test func `a constant can be read after the load, but not written`() throws {
      let word = try BPFObject(.objects).load().variable("word", as: UInt32.self)
      #expect(word.value == 1)
      #expect {
        try word.setValue(2)
      } throws: { ($0 as? BPFError)?.code == .permissionDenied && "\($0)".contains("setConstant") }
    }

    @Test func `a variable of another type, name or section is refused`() throws {
      let loaded = try BPFObject(.objects).load()
      #expect {
        _ = try loaded.variable("hits", as: Int64.self)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("unsigned") }
      #expect {
        _ = try loaded.variable("nothing", as: Int64.self)
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("copied (4-byte unsigned integer)") }
      #expect {
        _ = try loaded.variable("hidden", as: UInt32.self)
      } throws: { ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("make one global") }
    }

    @Test func `a variable outlives its object`() throws {
      let hits = try BPFObject(.objects).load().variable("hits", as: UInt64.self)
      #expect(hits.value == 5)
      try hits.setValue(6)
      #expect(hits.value == 6)
    }

    @Test func `adding from many tasks and from the program loses nothing`() async throws {
      let loaded = try BPFObject(.objects).load()
      let hits = try loaded.variable("hits", as: UInt64.self)
      try hits.setValue(0)
      let program = try loaded.program("touches_variables")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask { for _ in 0..<1000 { try hits.add(1) } }
        }
        _ = try program.test(packet: packet, repeat: 1000)
        try await group.waitForAll()
      }
      #expect(hits.value == 5000)
    }
  }
}
