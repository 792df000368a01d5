// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Sets of pins")
  struct PinSetTests {
    private static let names: Set<String> = [
      "adds_constants", "touches_variables", "uses_spare", "uses_pairs", "pairs", "spare",
    ]

    private func entries(_ directory: FilePath) throws -> Set<String> {
      // The kernel itself may put files with dots into the root.
      Set(try FileSystem.entries(of: directory).filter { !$0.contains(".") })
    }

    private func expect(
      _ code: BPFError.Code, _ words: String..., location: SourceLocation = #_sourceLocation, _ call: () throws -> Void
    ) {
      #expect(sourceLocation: location) {
        try call()
      } throws: { error in
        (error as? BPFError)?.code == code && words.allSatisfy { "\(error)".contains($0) }
      }
    }

    @Test func `an object's maps and programs are pinned together, found again, and removed together`() async throws {
      try await withPinDirectory { root in
        let directory = root.appending("app/objects")
        let object = try BPFObject(.objects).load()
        let made = try object.pin(in: directory, owner: "tests")
        #expect(try entries(directory) == Self.names.union(["owner-record"]))
        #expect(Set(made.pins.keys) == Self.names)

        let found = try BPFPinSet.open(in: directory, owner: "tests")
        #expect(found == made)
        let pairs = try found.map("pairs", as: BPFHashMap<UInt32, SamplePair>.self)
        #expect(try pairs.identifier == object.map("pairs", as: BPFHashMap<UInt32, SamplePair>.self).identifier)
        #expect(try found.program("uses_pairs").identifier == object.program("uses_pairs").identifier)
        expect(.notFound, "optional", "adds_constants") { _ = try found.program("optional") }

        var next = try BPFObject(.objects)
        try next.reuse(found)
        try pairs.updateValue(SamplePair(left: 77, right: 0), forKey: 3)
        let program = try next.load().program("uses_pairs")
        #expect(try program.test(packet: packet, context: SocketBufferContext(mark: 3)).returnValue == 77)

        #expect(try found.remove() == [])
        #expect(try entries(root.appending("app")) == [])
        expect(.notFound, "owner-record") { _ = try BPFPinSet.open(in: directory, owner: "tests") }
        #expect(try found.remove() == [], "removing what is gone is no error")
      }
    }

    @Test func `another owner's pins are refused and stay`() async throws {
      try await withPinDirectory { root in
        let directory = root.appending("app")
        _ = try BPFObject(.objects).load().pin(in: directory, owner: "first")
        let before = try entries(directory)
        expect(.foreignPin, "\"first\"", "\"second\"") { _ = try BPFPinSet.open(in: directory, owner: "second") }
        expect(.pinExists, "pairs", "left as it is") {
          _ = try BPFObject(.objects).load().pin(in: directory, owner: "second")
        }
        #expect(try entries(directory) == before)
        _ = try BPFPinSet.open(in: directory, owner: "first").program("uses_pairs")
      }
    }

    @Test func `a name that is taken refuses the whole set, and nothing is left of it`() async throws {
      try await withPinDirectory { root in
        let directory = root.appending("app")
        try BPFFileSystem.makeDirectory(directory)
        let foreign = try loadSamples().program("counts")
        try foreign.pin(at: directory.appending("uses_pairs"))
        expect(.pinExists, "there already: uses_pairs", "not there: adds_constants, pairs, spare") {
          _ = try BPFObject(.objects).load().pin(in: directory, owner: "tests")
        }
        #expect(try entries(directory) == ["uses_pairs"])
        #expect(try BPFProgram.open(pinnedAt: directory.appending("uses_pairs")).identifier == foreign.identifier)
        // A directory in the way, too; and what else is there is no obstacle.
        try BPFFileSystem.removePin(at: directory.appending("uses_pairs"))
        try BPFFileSystem.makeDirectory(directory.appending("spare"))
        expect(.pinExists, "there already: spare") {
          _ = try BPFObject(.objects).load().pin(in: directory, owner: "tests")
        }
        #expect(try entries(directory) == ["spare"])
        _ = unsafe directory.appending("spare").withPlatformString { unsafe rmdir($0) }
        try foreign.pin(at: directory.appending("foreign"))
        let set = try BPFObject(.objects).load().pin(in: directory, owner: "tests")
        #expect(try set.remove() == [])
        #expect(try entries(directory) == ["foreign"])
      }
    }

    @Test func `a failure in the middle removes what was made, directories too`() async throws {
      try await withPinDirectory { root in
        let directory = root.appending("a/b")
        let object = try BPFObject(.objects).load()
        expect(.invalidArgument, "dots") { _ = try object.pin(in: root.appending("a/x.y"), owner: "tests") }
        #expect(try entries(root) == [])
        for owner in ["", "two\nlines", String(repeating: "x", count: 65)] {
          expect(.invalidArgument, "owner") { _ = try object.pin(in: directory, owner: owner) }
        }
        #expect(try entries(root) == [])
        try object.program("uses_pairs").pin(at: root.appending("a"))
        expect(.alreadyExists, "is a pin, not a directory") { _ = try object.pin(in: directory, owner: "tests") }
        #expect(try entries(root) == ["a"])
      }
    }

    @Test func `a pin that fails after others were made takes those with it, and leaves what was there`() async throws {
      try await withPinDirectory { root in
        let directory = root.appending("a/b")
        let object = try BPFObject(.long_name).load()
        expect(.systemCall, "File name too long") { _ = try object.pin(in: directory, owner: "tests") }
        #expect(try entries(root) == [])
        try BPFFileSystem.makeDirectory(directory)
        try loadSamples().program("counts").pin(at: directory.appending("foreign"))
        expect(.systemCall, "File name too long") { _ = try object.pin(in: directory, owner: "tests") }
        #expect(try entries(directory) == ["foreign"])
      }
    }

    @Test func `without privilege nothing is left either`() async throws {
      let object = try BPFObject(.objects).load()
      try await withPinDirectory { root in
        let root = root
        _ = try await withoutCapabilities(in: .current()) {
          #expect {
            _ = try object.pin(in: root.appending("a/b"), owner: "tests")
          } throws: { ($0 as? BPFError)?.code == .permissionDenied && "\($0)".contains("CAP_BPF") }
        }
        #expect(try entries(root) == [])
      }
    }

    @Test func `a half-written directory is told from a whole one, and what is left can be removed`() async throws {
      try await withPinDirectory { root in
        let directory = root.appending("app")
        let set = try BPFObject(.objects).load().pin(in: directory, owner: "tests")
        try BPFFileSystem.removePin(at: directory.appending("pairs"))
        try BPFFileSystem.removePin(at: directory.appending("spare"))
        expect(.incompletePins, "2 of 6 are missing: pairs, spare") {
          _ = try BPFPinSet.open(in: directory, owner: "tests")
        }
        expect(.pinExists, "not there: pairs, spare") {
          _ = try BPFObject(.objects).load().pin(in: directory, owner: "tests")
        }
        #expect(try entries(directory).count == 5)
        let rest = try BPFPinSet.open(in: directory, owner: "tests", allowingMissing: true)
        #expect(rest == set)
        #expect(try rest.remove() == [])
        #expect(try entries(root) == [])
      }
    }

    @Test func `what somebody put in a pin's place is told, and never removed`() async throws {
      try await withPinDirectory { root in
        let directory = root.appending("app")
        let set = try BPFObject(.objects).load().pin(in: directory, owner: "tests")
        let path = directory.appending("uses_pairs")
        try BPFFileSystem.removePin(at: path)
        let foreign = try loadSamples().program("counts")
        try foreign.pin(at: path)
        expect(.foreignPin, "uses_pairs", "program \(foreign.identifier)") {
          _ = try BPFPinSet.open(in: directory, owner: "tests")
        }
        expect(.foreignPin, "by now") { _ = try set.program("uses_pairs") }
        let pin = try #require(set.pins["uses_pairs"])
        expect(.foreignPin, "left as it is") { try pin.remove() }
        let remaining = try BPFPinSet.open(in: directory, owner: "tests", allowingMissing: true)
        #expect(try remaining.remove() == [path])
        #expect(try entries(directory) == ["uses_pairs", "owner-record"])
        #expect(try BPFProgram.open(pinnedAt: path).identifier == foreign.identifier)
        // The same object again is no proof either: another load is another map.
        try BPFFileSystem.removePin(at: path)
        #expect(try remaining.remove() == [])
        #expect(try entries(root) == [])
      }
    }

    @Test func `of many who pin at once one wins, and its set is whole`() async throws {
      try await withPinDirectory { root in
        let directory = root.appending("a/b")
        let sets = await withTaskGroup(of: BPFPinSet?.self) { group in
          for number in 0..<8 {
            group.addTask { try? BPFObject(.objects).load().pin(in: directory, owner: "task \(number)") }
          }
          return await group.reduce(into: [BPFPinSet]()) { sets, set in if let set { sets.append(set) } }
        }
        let winner = try #require(sets.first)
        #expect(sets.count == 1)
        #expect(try BPFPinSet.open(in: directory, owner: winner.owner) == winner)
        #expect(try entries(directory).count == 7)
      }
    }

    @Test func `a record that is none is refused`() async throws {
      try await withPinDirectory { root in
        let path = root.appending("owner-record")
        try loadSamples().program("counts").pin(at: path)
        expect(.malformedPin, "no record") { _ = try BPFPinSet.open(in: root, owner: "tests") }
        try BPFFileSystem.removePin(at: path)
        try loadSamples().map("endpoint", as: BPFMapHandleOnly.self).pin(at: path)
        expect(.malformedPin, "no record") { _ = try BPFPinSet.open(in: root, owner: "tests") }
        #expect(try entries(root) == ["owner-record"])
      }
    }

    @Test func `a single pin knows itself again`() async throws {
      try await withPinDirectory { root in
        let path = root.appending("numbers")
        let map = try loadSamples().map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
        #expect(try BPFPin(at: path) == nil)
        try map.pin(at: path)
        let pin = try #require(try BPFPin(at: path))
        #expect(pin.kind == .map && pin.identifier == map.identifier)
        let program = try loadSamples().program("counts")
        try program.pin(at: root.appending("counts"))
        let programPin = try #require(try BPFPin(at: root.appending("counts")))
        #expect(programPin.kind == .program && programPin.identifier == program.identifier)
        #expect(try pin.remove())
        #expect(try pin.remove() == false)
      }
    }

    @Test func `making and removing sets leaves no descriptor`() async throws {
      try await withPinDirectory { root in
        try await expectNoDescriptorLeak {
          for _ in 0..<5 {
            let set = try BPFObject(.objects).load().pin(in: root.appending("app"), owner: "tests")
            #expect(throws: BPFError.self) { _ = try BPFPinSet.open(in: root.appending("app"), owner: "others") }
            try set.remove()
          }
        }
      }
    }
  }
}

/// A map of any types.
struct BPFMapHandleOnly: ~Copyable, BPFMapProtocol {
  private let handle: BPFMapHandle
  static var shape: BPFMapShape { BPFMapShape(kinds: [.array, .hash]) }
  init(checked handle: consuming BPFMapHandle) { self.handle = handle }
  borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }
}
