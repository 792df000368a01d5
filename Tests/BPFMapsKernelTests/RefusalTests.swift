// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  /// Refusals that no other suite provokes: each has a code, names its object, and says what helps.
  @Suite("Refusals")
  struct RefusalTests {
    private func expect(
      _ code: BPFError.Code, _ words: String..., location: SourceLocation = #_sourceLocation, _ call: () throws -> Void
    ) {
      #expect(sourceLocation: location) {
        try call()
      } throws: { error in
        (error as? BPFError)?.code == code && words.allSatisfy { "\(error)".contains($0) }
      }
    }

    @Test func `a helper that the kernel does not have is not supported, by program and number`() {
      expect(.notSupported, #"program "calls_the_future" calls helper 9999"#, "this kernel does not have") {
        _ = try BPFObject(.newer).load()
      }
    }

    @Test func `a field that this kernel's structs do not have is named`() {
      expect(.verifierRejected, #"program "reads_what_never_was""#, "struct sk_buff.never_was") {
        _ = try BPFObject(.elsewhere).load()
      }
    }

    @Test func `a kind of map that the kernel does not have is not supported, with the Linux that brought it`() throws {
      let arena = BPFFeature.mapKind(BPFMapKind(rawValue: 33))
      guard !arena.isAvailable else {
        _ = try BPFObject(.arena).load()
        return
      }
      expect(.notSupported, #"create map "heap" of object "arena""#, "kind arena", "Linux 6.9 brought it") {
        _ = try BPFObject(.arena).load()
      }
    }

    @Test func `a map that is too large names its shape and the remedy`() throws {
      func load(_ entries: UInt32) throws(BPFError) {
        var object = try BPFObject(.arena)
        try object.exclude(map: "heap")
        try object.setMaxEntries(entries, forMap: "large")
        _ = try object.load()
      }
      // 16 TiB: more than there is anywhere, and more than the kernel counts in pages of one map.
      do throws(BPFError) {
        try load(1 << 31)
        Issue.record("an array of 16 TiB was made")
      } catch {
        #expect(error.code == .systemCall || error.code == .invalidArgument)
        #expect(error.message.contains(#"create map "large" of object "arena": "#), "\(error.message)")
        #expect(error.message.contains("array, key 4 bytes, value 8192 bytes, max_entries 2147483648"))
        #expect(error.message.contains("setMaxEntries"))
      }
      try load(2)
    }

    @Test func `a path that cannot be one of a pin is refused before anything is made`() async throws {
      try await withPinDirectory { directory in
        let map = try loadSamples().map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
        let name = directory.lastComponent?.string ?? ""
        expect(.invalidArgument, "is not absolute") { try map.pin(at: FilePath("\(name)/numbers")) }
        expect(.invalidArgument, "is not absolute") {
          _ = try BPFHashMap<UInt32, UInt64>.open(pinnedAt: FilePath("\(name)/numbers"))
        }
        expect(.invalidArgument, "is not absolute") { try BPFFileSystem.removePin(at: "numbers") }
        expect(.invalidArgument, "is not absolute") { try BPFFileSystem.makeDirectory("pins") }
        expect(.invalidArgument, "no dots") { try map.pin(at: directory.appending("numbers.1")) }
        expect(.invalidArgument, "no dots") { try BPFFileSystem.makeDirectory(directory.appending("v1.0/maps")) }
        expect(.invalidArgument, "names no file") { try map.pin(at: "/") }
        expect(.invalidArgument, #"share map "numbers" of object "samples""#, "is not absolute") {
          var object = try BPFObject(.samples)
          try object.share(map: "numbers", at: "numbers")
        }
        #expect(try FileSystem.entries(of: directory).filter { !$0.contains(".") } == [])
      }
    }

    @Test func `a directory where a pin should be is told, and stays`() async throws {
      try await withPinDirectory { root in
        let path = root.appending("pins")
        try BPFFileSystem.makeDirectory(path)
        let map = try loadSamples().map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
        expect(.pinExists, "a directory is there already", "left as it is") { try map.pin(at: path) }
        expect(.invalidArgument, "directory of pins") { _ = try BPFHashMap<UInt32, UInt64>.open(pinnedAt: path) }
        expect(.invalidArgument, "directory of pins") { _ = try BPFPin(at: path) }
        expect(.invalidArgument, "left as it is") { try BPFFileSystem.removePin(at: path) }
        expect(.invalidArgument, "directory of pins") {
          var object = try BPFObject(.samples)
          try object.share(map: "numbers", at: path)
        }
        #expect(try FileSystem.entries(of: root).contains("pins"))
      }
    }

    @Test func `a symbolic link in a pin's way is not followed, and stays`() async throws {
      try await withPinDirectory { root in
        let path = root.appending("link")
        #expect(unsafe symlink("/tmp/nowhere", path.string) == 0)
        let map = try loadSamples().map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
        expect(.pinExists, "left as it is") { try map.pin(at: path) }
        #expect(try FileSystem.entries(of: root).contains("link"))
      }
    }

    @Test func `where the file system was unmounted that is the reason, and nothing is written beside it`() async throws
    {
      let directory = FilePath("/tmp/bpfmaps-unmounted-\(UInt32.random(in: 0...UInt32.max))")
      try BPFFileSystem.ensureMounted(at: directory)
      let object = try loadSamples()
      let set = try object.pin(in: directory.appending("app"), owner: "tests")
      _ = unsafe directory.withPlatformString { unsafe umount2($0, CInt(MNT_DETACH)) }
      defer { try? FileManager.default.removeItem(atPath: directory.string) }
      let path = directory.appending("numbers")
      let map = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      expect(.notBPFFileSystem, #"pin map "numbers""#, "mount -t bpf") { try map.pin(at: path) }
      expect(.notBPFFileSystem, "mount -t bpf") { _ = try BPFHashMap<UInt32, UInt64>.open(pinnedAt: path) }
      expect(.notBPFFileSystem, "mount -t bpf") { _ = try object.pin(in: directory.appending("app"), owner: "tests") }
      expect(.notBPFFileSystem, "mount -t bpf") { try BPFFileSystem.makeDirectory(directory.appending("a/b")) }
      expect(.notBPFFileSystem, "mount -t bpf") {
        var object = try BPFObject(.samples)
        try object.share(map: "numbers", at: path)
      }
      #expect(throws: BPFError.self) { _ = try BPFPinSet.open(in: directory.appending("app"), owner: "tests") }
      // The pins went with the file system.
      #expect(try set.remove() == [])
      #expect(try FileSystem.entries(of: directory) == [])
    }
  }
}
