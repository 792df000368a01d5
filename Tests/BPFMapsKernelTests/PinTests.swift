// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Foundation
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("Pins")
  struct PinTests {
    @Test func `a pinned map is found again with its types checked`() async throws {
      try await withPinDirectory { directory in
        let path = directory.appending("flow")
        let object = try loadSamples()
        let map = try object.map("flow", as: BPFHashMap<SampleKey, SampleState>.self)
        try map.pin(at: path)
        let again = try BPFHashMap<SampleKey, SampleState>.open(pinnedAt: path)
        #expect(again.identifier == map.identifier)
        #expect {
          _ = try BPFHashMap<SampleKey, drop_counter>.open(pinnedAt: path)
        } throws: { ($0 as? BPFError)?.code == .layoutMismatch && "\($0)".contains("struct drop_counter") }
        #expect {
          _ = try BPFArrayMap<SampleState>.open(pinnedAt: path)
        } throws: { ($0 as? BPFError)?.code == .incompatibleMap }
        #expect(try BPFHashMap<SampleKey, SampleState>.open(identifier: map.identifier).identifier == map.identifier)
      }
    }

    @Test func `what is pinned under another type is refused`() async throws {
      try await withPinDirectory { directory in
        let object = try loadSamples()
        let program = try object.program("counts")
        try program.pin(at: directory.appending("program"))
        try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self).pin(at: directory.appending("map"))
        #expect(try BPFProgram.open(pinnedAt: directory.appending("program")).identifier == program.identifier)
        #expect {
          _ = try BPFHashMap<UInt32, UInt64>.open(pinnedAt: directory.appending("program"))
        } throws: { ($0 as? BPFError)?.code == .malformedPin && "\($0)".contains("not a map") }
        #expect {
          _ = try BPFProgram.open(pinnedAt: directory.appending("map"))
        } throws: { ($0 as? BPFError)?.code == .malformedPin && "\($0)".contains("not a program") }
        #expect {
          _ = try Attachment.open(pinnedAt: directory.appending("map"))
        } throws: { ($0 as? BPFError)?.code == .malformedPin }
        #expect {
          _ = try BPFProgram.open(pinnedAt: directory.appending("nothing"))
        } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("nothing is pinned there") }
      }
    }

    @Test func `an existing file is refused and stays`() async throws {
      try await withPinDirectory { directory in
        let path = directory.appending("taken")
        let object = try loadSamples()
        let program = try object.program("counts")
        try program.pin(at: path)
        let map = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
        #expect {
          try map.pin(at: path)
        } throws: { ($0 as? BPFError)?.code == .pinExists && "\($0)".contains("left as it is") }
        #expect(try BPFProgram.open(pinnedAt: path).identifier == program.identifier)
      }
    }

    @Test func `a directory that is not on a bpf file system is refused, and a foreign file is never removed`() throws {
      let file = "/tmp/bpfmaps-foreign-\(getpid())"
      #expect(FileManager.default.createFile(atPath: file, contents: Data("mine".utf8)))
      defer { try? FileManager.default.removeItem(atPath: file) }
      let map = try loadSamples().map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      #expect {
        try map.pin(at: "/tmp/bpfmaps-never")
      } throws: { ($0 as? BPFError)?.code == .notBPFFileSystem && "\($0)".contains("mount -t bpf") }
      #expect {
        try map.pin(at: "/nowhere/at/all")
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("no directory") }
      #expect {
        _ = try BPFHashMap<UInt32, UInt64>.open(pinnedAt: FilePath(file))
      } throws: { ($0 as? BPFError)?.code == .notBPFFileSystem }
      #expect {
        try BPFFileSystem.removePin(at: FilePath(file))
      } throws: { ($0 as? BPFError)?.code == .notBPFFileSystem }
      #expect(FileManager.default.fileExists(atPath: file))
    }

    @Test func `a symbolic link elsewhere to a pin is no pin, and stays`() async throws {
      try await withPinDirectory { directory in
        let path = directory.appending("numbers")
        try loadSamples().map("numbers", as: BPFHashMap<UInt32, UInt64>.self).pin(at: path)
        let link = FilePath("/tmp/bpfmaps-link-\(getpid())")
        #expect(unsafe symlink(path.string, link.string) == 0)
        defer { _ = unsafe unlink(link.string) }
        #expect {
          try BPFFileSystem.removePin(at: link)
        } throws: { ($0 as? BPFError)?.code == .notBPFFileSystem && "\($0)".contains("left as it is") }
        let pin = try #require(try BPFPin(at: link))
        #expect(throws: BPFError.self) { try pin.remove() }
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.string) == path.string)
        #expect(try BPFPin(at: path) != nil)
      }
    }

    @Test func `a map that the object pins by name goes where the caller says, and is compared when used again`()
      async throws
    {
      try await withPinDirectory { directory in
        func load(_ prepare: (inout BPFObject) throws(BPFError) -> Void = { _ in }) throws(BPFError) -> UInt32 {
          var object = try BPFObject(.by_name)
          try object.setPinDirectory(directory)
          try prepare(&object)
          return try object.load().map("named", as: BPFHashMap<UInt32, UInt64>.self).identifier
        }
        let first = try load()
        #expect(try load() == first)
        #expect {
          _ = try load { (object) throws(BPFError) in try object.setMaxEntries(17, forMap: "named") }
        } throws: {
          ($0 as? BPFError)?.code == .incompatibleMap
            && "\($0)".contains("it has max_entries 16 but the object wants 17")
        }
        try BPFFileSystem.removePin(at: directory.appending("named"))
        #expect(try load() != first)
        #expect {
          var object = try BPFObject(.by_name)
          try object.setPinDirectory("/tmp")
        } throws: { ($0 as? BPFError)?.code == .notBPFFileSystem && "\($0)".contains(#"map "named""#) }
      }
    }

    @Test func `a shared map is pinned by the first object and used by the second`() async throws {
      try await withPinDirectory { directory in
        try BPFFileSystem.makeDirectory(directory.appending("a/b"))
        let path = directory.appending("a/b/numbers")
        let first = try loadSamples { (object) throws(BPFError) in
          #expect(try object.share(map: "numbers", at: path) == false)
        }
        try first.map("numbers", as: BPFHashMap<UInt32, UInt64>.self).updateValue(8, forKey: 1)
        let second = try loadSamples { (object) throws(BPFError) in #expect(try object.share(map: "numbers", at: path))
        }
        #expect(try second.map("numbers", as: BPFHashMap<UInt32, UInt64>.self).value(forKey: 1) == 8)

        var third = try BPFObject(.samples)
        #expect(throws: BPFError.self) { try third.share(map: "recent", at: path) }
        #expect(try BPFFileSystem.removePin(at: path))
        #expect(try BPFFileSystem.removePin(at: path) == false)
      }
    }
  }
}
