// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("Using maps that are pinned")
  struct ReuseTests {
    /// What `body` is refused for, with the whole sentence.
    private func expectRefusal(
      _ ending: String, location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
      #expect(sourceLocation: location) { try body() } throws: {
        ($0 as? BPFError)?.code == .incompatibleMap && "\($0)".hasSuffix(ending)
      }
    }

    /// What the program finds in `pairs` under the packet's mark.
    private func found(_ object: borrowing LoadedObject, _ mark: UInt32) throws -> Int32 {
      try object.program("uses_pairs").test(packet: packet, context: SocketBufferContext(mark: mark)).returnValue
    }

    @Test func `a pinned map of another name is used, and goes by the object's name`() async throws {
      try await withPinDirectory { directory in
        let older = try BPFHashMap<UInt32, SamplePair>.create(name: "older_couples", maximumEntryCount: 16)
        try older.updateValue(SamplePair(left: 31, right: 0), forKey: 7)
        let path = directory.appending("couples")
        try older.pin(at: path)

        var object = try BPFObject(.objects)
        try object.reuse(map: "pairs", pinnedAt: path)
        #expect(object.mapNames.contains("pairs") && !object.mapNames.contains("older_couples"))
        let loaded = try object.load()
        #expect(try found(loaded, 7) == 31)
        let pairs = try loaded.map("pairs", as: BPFHashMap<UInt32, SamplePair>.self)
        #expect(pairs.identifier == older.identifier && pairs.info.name == "pairs")
        #expect { _ = try loaded.map("older_couples", as: BPFHashMap<UInt32, SamplePair>.self) } throws: {
          ($0 as? BPFError)?.code == .notFound && "\($0)".contains("pairs, spare")
        }
        let set = try loaded.pin(in: directory.appending("set"), owner: "tests")
        #expect(set.pins["pairs"]?.identifier == older.identifier)

        var sharing = try BPFObject(.objects)
        #expect(try sharing.share(map: "pairs", at: path))
        #expect(try found(sharing.load(), 7) == 31)
        // The kernel's map is called what it was.
        #expect(try BPFMapHandle.open(pinnedAt: path).info.name == "older_couples")
        try set.remove()
      }
    }

    @Test func `a pinned map of the same sizes with other fields is refused, and the sentence has both sides`()
      async throws
    {
      try await withPinDirectory { directory in
        let path = directory.appending("pairs")
        let swapped = try BPFHashMap<UInt32, SwappedPair>.create(name: "pairs", maximumEntryCount: 16)
        try swapped.updateValue(SwappedPair(right: 1, left: 2), forKey: 3)
        try swapped.pin(at: path)
        let difference =
          #"for map "pairs" of object "objects": it has "#
          + #"value field "right" (at offset 0, 4 bytes) but the object wants it at offset 4, 4 bytes, "#
          + #"value field "left" (at offset 4, 4 bytes) but the object wants it at offset 0, 4 bytes"#
        var object = try BPFObject(.objects)
        expectRefusal(difference) { try object.reuse(map: "pairs", pinnedAt: path) }
        expectRefusal(difference) { try object.share(map: "pairs", at: path) }
        expectRefusal(difference) { try object.reuse(map: "pairs", from: swapped) }

        // Nothing of it was taken over: the object makes a map of its own, and what is pinned is as it was.
        let loaded = try object.load()
        let own = try loaded.map("pairs", as: BPFHashMap<UInt32, SamplePair>.self)
        #expect(own.identifier != swapped.identifier)
        try own.updateValue(SamplePair(left: 9, right: 0), forKey: 3)
        #expect(try found(loaded, 3) == 9)
        let pinned = try BPFHashMap<UInt32, SwappedPair>.open(pinnedAt: path)
        #expect(pinned.identifier == swapped.identifier)
        #expect(try pinned.value(forKey: 3) == SwappedPair(right: 1, left: 2))
        #expect { _ = try BPFHashMap<UInt32, SamplePair>.open(pinnedAt: path) } throws: {
          ($0 as? BPFError)?.code == .layoutMismatch && "\($0)".contains("field \"left\"")
        }
      }
    }

    @Test func `a map that the kernel or libbpf made otherwise than it is declared is found again`() async throws {
      try await withPinDirectory { directory in
        func load() throws(BPFError) -> [UInt32] {
          var object = try BPFObject(.pinned_kinds)
          try object.setPinDirectory(directory)
          _ = try object.load()
          return try ["devices", "device_hash", "events", "readings"].map { (name) throws(BPFError) in
            try BPFMapHandle.open(pinnedAt: directory.appending(name)).info.identifier
          }
        }
        let first = try load()
        #expect(try load() == first)
        var object = try BPFObject(.pinned_kinds)
        expectRefusal("it has max_entries 4 but the object wants 5") {
          try object.setMaxEntries(5, forMap: "devices")
          try object.reuse(map: "devices", pinnedAt: directory.appending("devices"))
        }
      }
    }

    @Test func `a map that is found under its name is compared field by field too`() async throws {
      try await withPinDirectory { directory in
        let signed = try BPFHashMap<Int32, UInt64>.create(
          name: "named", maximumEntryCount: 16)
        try signed.pin(at: directory.appending("named"))
        var object = try BPFObject(.by_name)
        try object.setPinDirectory(directory)
        let failure: BPFError?
        do throws(BPFError) {
          _ = try object.load()
          failure = nil
        } catch {
          failure = error
        }
        #expect(failure?.code == .incompatibleMap)
        #expect(failure?.message.hasSuffix("it has key int but the object wants unsigned int") == true)
        #expect(
          try BPFHashMap<Int32, UInt64>.open(pinnedAt: directory.appending("named")).identifier == signed.identifier)
      }
    }
  }
}
