// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Without privilege")
  struct PrivilegeTests {
    /// Runs `body` without capabilities, after what needs them.
    private func unprivileged(_ body: @escaping @Sendable () async throws -> Void) async throws {
      try await withoutCapabilities(in: .current(), body)
    }

    @Test func `opening an object works, loading it is permissionDenied with the remedy`() async throws {
      try await unprivileged {
        let object = try BPFObject(.samples, checking: [flow_record.layout])
        #expect(object.programNames.contains("counts"))
        do throws(BPFError) {
          _ = try object.load()
          Issue.record("an object was loaded without privilege")
        } catch {
          #expect(error.code == .permissionDenied)
          #expect(error.message.hasPrefix("load object \"samples\": "))
          #expect(error.message.contains("this thread lacks CAP_NET_ADMIN"), "\(error.message)")
          #expect(error.message.contains("CAP_BPF"))
        }
      }
    }

    @Test func `an open map works on, and what finds or attaches something is permissionDenied`() async throws {
      let object = try loadSamples()
      let map = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      let program = try object.program("counts")
      try await withPinDirectory { directory in
        let namespace = try NetworkNamespace.current()
        try map.updateValue(7, forKey: 7)
        let path = directory.appending("numbers")
        try map.pin(at: path)
        // Root without capabilities is an ordinary user to files of others.
        _ = unsafe path.withPlatformString { unsafe chown($0, 1, 1) }
        _ = unsafe path.withPlatformString { unsafe chmod($0, 0o600) }
        let map = try map.duplicate()
        let program = try program.duplicate()
        try await unprivileged {
          func expectRefusal(_ words: String, _ call: () async throws -> Void) async {
            await #expect { try await call() } throws: { error in
              (error as? BPFError)?.code == .permissionDenied && "\(error)".contains(words)
            }
          }
          let value = try map.value(forKey: 7)
          #expect(value == 7)
          await expectRefusal("open map \"\(path)\"") { _ = try BPFHashMap<UInt32, UInt64>.open(pinnedAt: path) }
          await expectRefusal("open map \(map.identifier): needs CAP_SYS_ADMIN") {
            _ = try BPFMapHandle.open(identifier: map.identifier)
          }
          await expectRefusal("CAP_SYS_ADMIN") {
            _ = try await program.attach(toTrafficControl: .ingress, of: 1, in: namespace, mechanism: .clsact)
          }
        }
      }
    }

    @Test func `a probe without privilege says so, and is asked again with it`() async throws {
      let before = await BPFFeature.supportsTCX()
      try await unprivileged {
        // What the kernel answered with the privilege is remembered; without an answer the reason says what it needs.
        switch await KernelFeature.tcx.availability() {
        case .available: #expect(before)
        case .missing(let reason): #expect(!before || reason.contains("CAP_BPF"))
        }
      }
      #expect(await BPFFeature.supportsTCX() == before)
    }
  }
}
