// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

extension ServiceKernelTests {
  @Suite("Service maps that outlive their process", .requires(.bpffs))
  struct RestartTests {
    /// A directory for pins, taken away afterwards.
    private func withPins(_ body: (FilePath) async throws -> Void) async throws {
      let root = try MountTable.current().path(ofType: "bpf") ?? "/sys/fs/bpf"
      try BPFFileSystem.ensureMounted(at: root)
      let directory = root.appending("terwaykit-service-test")
      func clean() throws {
        for name in try FileSystem.entries(of: directory) { try BPFFileSystem.removePin(at: directory.appending(name)) }
        unsafe rmdir(directory.string)
      }
      try clean()
      do {
        try await body(directory)
      } catch {
        try clean()
        throw error
      }
      try clean()
    }

    @Test func `a second load takes over: same numbers, nothing to write, old connections known`() async throws {
      try await withPins { directory in
        try await withScratchCgroup { cgroup in
          try await withScratchNamespace { namespace in
            let backends = Servers.endpoints(3, port: 8080)
            let table = ServiceTable(entries: [
              try entry("web", ["10.96.0.1:80/TCP"], backends), try entry("idle", ["10.96.0.2:80/TCP"], []),
            ])
            let before: ServiceMapContents
            do {
              let first = try ServiceLoadBalancer.load(pinDirectory: directory, limits: smallLimits)
              try first.apply(table)
              try first.attach(toCgroup: cgroup).pin(in: directory)
              before = try first.contents()
            }
            // The process that loaded it is gone as far as the kernel can tell; the pins hold.
            try await namespace.run {
              let servers = try Servers(.tcp, at: backends)
              try Socket(.tcp).connect("10.96.0.1:80")
              _ = try servers.acceptConnection()
            }
            let second = try ServiceLoadBalancer.load(
              pinDirectory: directory, limits: ServiceLimits(frontends: 7, services: 7, slots: 7, backends: 7))
            #expect(second.limits == smallLimits)
            #expect(try second.contents() == before)
            #expect(try second.plan(for: table).operations.isEmpty)
            #expect(try second.counters(of: frontend("10.96.0.1:80/TCP")) == ServiceCounters(translated: 1))
            #expect(try second.counters(of: frontend("10.96.0.9:80/TCP")) == nil)

            try second.apply(ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], [backends[2]])]))
            try await namespace.run {
              let servers = try Servers(.tcp, at: backends)
              try Socket(.tcp).connect("10.96.0.1:80")
              #expect(try servers.acceptConnection().number == 2)
            }
          }
        }
      }
    }

    @Test func `what is gone is cleared from the maps when it has rested`() async throws {
      let balancer = try ServiceLoadBalancer.load(limits: smallLimits)
      try balancer.apply(
        ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], Servers.endpoints(3, port: 8080))]))
      try balancer.apply(ServiceTable())
      #expect(try balancer.contents().frontends.isEmpty)
      #expect(try balancer.contents().backends.count == 3)
      for _ in 0..<2 {
        try await Task.sleep(for: .milliseconds(1050))
        try balancer.apply(ServiceTable())
      }
      #expect(try balancer.contents() == ServiceMapContents())
    }

    @Test func `a table that does not fit leaves the maps as they were`() async throws {
      let balancer = try ServiceLoadBalancer.load(
        limits: ServiceLimits(frontends: 4, services: 4, slots: 3, backends: 8, datagramPeers: 16))
      let fits = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], Servers.endpoints(3, port: 8080))])
      let tooLarge = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], Servers.endpoints(4, port: 8080))])
      try balancer.apply(fits)
      let before = try balancer.contents()
      let error = #expect(throws: ServiceError.self) { try balancer.apply(tooLarge) }
      #expect(error?.code == .tableFull)
      #expect(error?.message.contains("service_slot") == true)
      #expect(try balancer.contents() == before)
    }

    @Test func `bad limits and bad places are refused by name`() async throws {
      let limits = #expect(throws: ServiceError.self) {
        try ServiceLoadBalancer.load(limits: ServiceLimits(slots: (1 << 28) + 1))
      }
      #expect(limits?.code == .invalidLimits)
      #expect(limits?.message == "limit slots is 268435457: choose a value in 1...268435456")
      let balancer = try ServiceLoadBalancer.load(limits: smallLimits)
      let cgroup = #expect(throws: ServiceError.self) { _ = try balancer.attach(toCgroup: "/proc") }
      #expect(cgroup?.code == .kernelRefused)
      #expect(cgroup?.underlying?.code == .notCgroup)
      #expect(cgroup?.message.contains("/proc") == true)
      let pins = #expect(throws: ServiceError.self) { try ServiceLoadBalancer.load(pinDirectory: "/tmp/nowhere") }
      #expect(pins?.underlying?.code == .notBPFFileSystem)
    }

    @Test func `nothing stays open`() async throws {
      try await withScratchCgroup { cgroup in
        try await expectNoDescriptorLeak {
          let balancer = try ServiceLoadBalancer.load(limits: smallLimits)
          let attachments = try balancer.attach(toCgroup: cgroup)
          try balancer.apply(ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], [])]))
          try await attachments.detach()
        }
      }
    }
  }
}
