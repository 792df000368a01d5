// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SystemPackage
import Testing

/// Real sockets of this process in a control group of the test's own.
@Suite("Guard against sockets that bypass", .serialized, .requires(.root))
struct BypassGuardTests {
  static let foreign = Message.udp(from: 1, to: 2).packet(from: Family.v4.stranger, to: Family.v4.peer).bytes

  /// The error number of an option set on a new socket, which is given to `use` first; 0: none.
  static func failure(
    _ family: CInt, _ level: CInt, _ option: CInt, bytes: [UInt8] = [1, 0, 0, 0], use: (CInt) -> Void = { _ in }
  ) -> CInt {
    let descriptor = socket(family, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return -errno }
    defer { close(descriptor) }
    let status = unsafe setsockopt(descriptor, level, option, bytes, socklen_t(bytes.count))
    let failure = status == 0 ? 0 : errno
    if failure == 0 { use(descriptor) }
    return failure
  }

  static func bypass(_ use: (CInt) -> Void = { _ in }) -> CInt { failure(AF_PACKET, 263, 20, use: use) }

  /// `XDP_UMEM_REG` with too few bytes: whoever lets it through to the kernel sees EINVAL.
  static func umem() -> CInt { failure(44, 283, 4) }

  @Test func `a frame passes unseen before, and the option is refused after`() async throws {
    try await TrafficTests.withPod(at: .pod) { fixture, pod, peer in
      try await withControlGroup { group in
        try await inControlGroup(group) {
          let isSent = try await pod.run {
            TestSockets.inject([Self.foreign], from: "eth0")
          }
          #expect(isSent)
          #expect(try fixture.datapath.readDropCounters()[.invalidSource]?.packets == 1)
          // The same frame by the other way: nobody counts it.
          let before = try await peer.run { TestSockets.receivedPackets("veth1") }
          let failure = try await pod.run {
            Self.bypass { _ = TestSockets.inject([Self.foreign], from: "eth0", by: $0) }
          }
          #expect(failure == 0)
          #expect(try fixture.datapath.readDropCounters()[.invalidSource]?.packets == 1)
          let after = try await peer.run { TestSockets.receivedPackets("veth1") }
          #expect(after > before)

          let attachment = try QdiscBypassGuard().attach(toCgroup: group)
          #expect(try await pod.run { Self.bypass() } == EPERM)
          #expect(try await pod.run { TestSockets.inject([Self.foreign], from: "eth0") })
          #expect(try fixture.datapath.readDropCounters()[.invalidSource]?.packets == 2)
          try await attachment.detach()
          #expect(try await pod.run { Self.bypass() } == 0)
        }
      }
    }
  }

  @Test func `memory for AF_XDP is refused`() async throws {
    try await withControlGroup { group in
      try await inControlGroup(group) {
        let before = Self.umem()
        // A kernel without AF_XDP has nothing to refuse.
        guard before != -EAFNOSUPPORT else { return }
        #expect(before == EINVAL)
        let attachment = try QdiscBypassGuard().attach(toCgroup: group)
        #expect(Self.umem() == EPERM)
        try await attachment.detach()
      }
    }
  }

  @Test func `other options work as before, larger than a page too`() async throws {
    try await withControlGroup { group in
      try await inControlGroup(group) {
        let attachment = try QdiscBypassGuard().attach(toCgroup: group)
        // PACKET_VERSION 2, and the number of the refused option at another level.
        #expect(Self.failure(AF_PACKET, 263, 10, bytes: [1, 0, 0, 0]) == 0)
        #expect(Self.failure(AF_PACKET, SOL_SOCKET, SO_RCVTIMEO, bytes: [UInt8](repeating: 0, count: 16)) == 0)
        #expect(
          Self.failure(AF_PACKET, SOL_SOCKET, SO_SNDBUF, bytes: [0, 0x80] + [UInt8](repeating: 0, count: 8190)) == 0)
        // What the kernel refuses, it still refuses by itself.
        #expect(Self.failure(AF_PACKET, 263, 10, bytes: [9, 0, 0, 0]) == EINVAL)
        try await attachment.detach()
      }
    }
  }

  @Test func `sockets of other groups are left alone`() async throws {
    try await withControlGroup { group in
      let attachment = try QdiscBypassGuard().attach(toCgroup: group)
      #expect(Self.bypass() == 0)
      try await inControlGroup(group) { #expect(Self.bypass() == EPERM) }
      try await attachment.detach()
    }
  }

  @Test func `an installed guard stays, is replaced by the next version, and ends with its pin`() async throws {
    try await LoadingTests.withPins { directory in
      try BPFFileSystem.makeDirectory(directory)
      let pin = directory.appending("bypass_guard")
      try await withControlGroup { group in
        try await inControlGroup(group) {
          try await QdiscBypassGuard.install(onCgroup: group, pinnedAt: pin)
          #expect(Self.bypass() == EPERM)
          let first = try Attachment.open(pinnedAt: pin).info()?.programIdentifier
          try await QdiscBypassGuard.install(onCgroup: group, pinnedAt: pin)
          #expect(Self.bypass() == EPERM)
          #expect(try Attachment.open(pinnedAt: pin).info()?.programIdentifier != first)
          try BPFFileSystem.removePin(at: pin)
          var failure = Self.bypass()
          for _ in 0..<100 where failure != 0 {
            try await Task.sleep(for: .milliseconds(20))
            failure = Self.bypass()
          }
          #expect(failure == 0)
        }
      }
    }
  }

  @Test func `a pin of another group is refused, and that group stays guarded`() async throws {
    try await LoadingTests.withPins { directory in
      try BPFFileSystem.makeDirectory(directory)
      let pin = directory.appending("bypass_guard")
      try await withControlGroup { group in
        try await QdiscBypassGuard.install(onCgroup: group, pinnedAt: pin)
        do {
          try await QdiscBypassGuard.install(onCgroup: group.removingLastComponent(), pinnedAt: pin)
          Issue.record("two groups by one pin")
        } catch let error as BPFError {
          #expect(error.code == .malformedPin, "\(error)")
        }
        try await inControlGroup(group) { #expect(Self.bypass() == EPERM) }
        #expect(Self.bypass() == 0)
        try BPFFileSystem.removePin(at: pin)
      }
    }
  }
}
