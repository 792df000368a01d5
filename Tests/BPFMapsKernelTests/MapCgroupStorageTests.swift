// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension KernelFeature {
  /// Values of control groups.
  ///
  /// `BPF_MAP_TYPE_CGRP_STORAGE`
  fileprivate static let cgroupStorage = KernelFeature("cgroup storage", minimumKernel: KernelVersion(6, 2)) {
    do throws(BPFError) {
      _ = try BPFCgroupStorage<UInt64>.create(name: "probe")
      return .available
    } catch {
      return .missing(reason: error.message)
    }
  }
}

extension BPFKernelTests {
  @Suite("Values of control groups")
  struct MapCgroupStorageTests {
    /// Lends a cgroup2 mount of its own, with an empty child group.
    private func withGroup(_ body: (FilePath) async throws -> Void) async throws {
      let mountPoint = FilePath("/tmp/bpfmaps-storage-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
      try FileManager.default.createDirectory(atPath: mountPoint.string, withIntermediateDirectories: true)
      defer { _ = unsafe rmdir(mountPoint.string) }
      try #require(unsafe mount("none", mountPoint.string, "cgroup2", 0, nil) == 0)
      defer { _ = unsafe umount2(mountPoint.string, CInt(MNT_DETACH)) }
      let group = mountPoint.appending("bpfmaps-storage-\(getpid())")
      try #require(unsafe mkdir(group.string, 0o755) == 0)
      defer { _ = unsafe rmdir(group.string) }
      try await body(group)
    }

    @Test(.requires(KernelFeature.cgroupStorage)) func `a control group's value is found by its directory`()
      async throws
    {
      try await withGroup { group in
        let limits = try BPFCgroupStorage<SampleState>.create(name: "limits")
        let directory = try OwnedFileDescriptor.open(group, flags: O_RDONLY | O_DIRECTORY)
        #expect(try limits.value(forCgroup: directory) == nil)
        try limits.updateValue(SampleState(lastSeen: 0, flags: 0, decision: 5), forCgroup: directory)
        #expect(try limits.value(forCgroup: directory)?.decision == 5)
        #expect(
          try allocations {
            try limits.updateValue(SampleState(lastSeen: 0, flags: 0, decision: 5), forCgroup: directory)
            _ = try limits.value(forCgroup: directory)
          } == 0)
        #expect(try limits.removeValue(forCgroup: directory))
        #expect(try limits.removeValue(forCgroup: directory) == false)
        #expect {
          _ = try limits.value(forCgroup: .standardInput)
        } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("cgroup storage") }
      }
    }

    @Test func `a kernel without cgroup storage says from which one on it is there`() {
      do throws(BPFError) {
        _ = try BPFCgroupStorage<UInt64>.create(name: "limits")
      } catch {
        #expect(KernelVersion.running < KernelVersion(6, 2))
        #expect(error.code == .notSupported && error.message.contains("Linux 6.2"))
      }
    }

    @Test func `an attachment's value comes and goes with it`() async throws {
      try await withGroup { group in
        let object = try BPFObject(.maps).load()
        let counts = try object.map("group_count", as: BPFAttachedCgroupStorage<UInt64>.self)
        #expect(try counts.entries().isEmpty)
        let attachment = try object.program("counts_group").attach(toCgroup: group, as: .connect4)
        var status = stat()
        #expect(unsafe stat(group.string, &status) == 0)
        let key = BPFCgroupStorageKey(cgroup: UInt64(status.st_ino), hook: .connect4)
        #expect(try counts.value(forKey: key) == 0)
        try counts.updateValue(41, forKey: key)
        #expect(try counts.entries().map(\.1) == [41])
        #expect(
          try allocations {
            try counts.updateValue(42, forKey: key)
            _ = try counts.value(forKey: key)
          } == 0)
        #expect(try counts.value(forKey: BPFCgroupStorageKey(cgroup: 1, hook: .connect6)) == nil)
        #expect {
          try counts.updateValue(1, forKey: BPFCgroupStorageKey(cgroup: 1, hook: .connect6))
        } throws: { ($0 as? BPFError)?.code == .notFound }
        try await attachment.detach()
      }
    }
  }
}
