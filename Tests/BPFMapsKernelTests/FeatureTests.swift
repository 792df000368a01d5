// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelTestSupport
import LinuxSystem
import Testing

@testable import BPFMaps

/// What `bpftool -j feature probe kernel` says.
private struct BPFToolAnswers {
  private let types: [String: Bool]
  private let helpers: [String: [String]]

  init() async throws {
    let text = try await NetworkNamespace.current().shell("bpftool -j feature probe kernel 2>/dev/null")
    let all = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let programs = try #require(all["program_types"] as? [String: Bool])
    let maps = try #require(all["map_types"] as? [String: Bool])
    types = programs.merging(maps) { first, _ in first }
    helpers = try #require(all["helpers"] as? [String: [String]])
  }

  func hasProgramType(_ name: String) -> Bool? { types["have_\(name)_prog_type"] }
  func hasMapType(_ name: String) -> Bool? { types["have_\(name)_map_type"] }
  func helpers(in type: String) -> [String]? { helpers["\(type)_available_helpers"] }

  /// By the kernel's numbers, from 1.
  static let mapTypes = [
    "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array", "stack_trace", "cgroup_array",
    "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap",
    "sockhash", "cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack", "sk_storage",
    "devmap_hash", "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf",
    "cgrp_storage",
  ]
}

private let hasBPFTool = ["/usr/sbin/bpftool", "/usr/bin/bpftool", "/sbin/bpftool"].contains {
  FileManager.default.isExecutableFile(atPath: $0)
}

extension BPFKernelTests {
  @Suite("Features")
  struct FeatureTests {
    private var running: KernelVersion { .running }

    @Test(.enabled(if: hasBPFTool, "bpftool is not installed"))
    func `map kinds and program types are those that bpftool finds`() async throws {
      let bpftool = try await BPFToolAnswers()
      var compared = 0
      for (index, name) in BPFToolAnswers.mapTypes.enumerated() {
        guard let theirs = bpftool.hasMapType(name) else { continue }
        let feature = BPFFeature.mapKind(BPFMapKind(rawValue: UInt32(index + 1)))
        #expect(feature.isAvailable == theirs, "\(feature): \(feature.availability())")
        compared += 1
      }
      for type in BPFProgramKind.allKnown {
        guard let theirs = bpftool.hasProgramType("\(type)") else { continue }
        let feature = BPFFeature.programType(type)
        #expect(feature.isAvailable == theirs, "\(feature): \(feature.availability())")
        compared += 1
      }
      #expect(compared >= 60)
    }

    /// bpftool before 7.4 takes the words with which Linux 6.11 and newer refuse a helper for an acceptance.
    @Test(.enabled(if: hasBPFTool, "bpftool is not installed"))
    func `helpers per program type are those that bpftool finds`() async throws {
      let bpftool = try await BPFToolAnswers()
      // These fill the kernel's log when they are tried, and bpftool leaves them out.
      let silent: Set<String> = ["bpf_trace_printk", "bpf_trace_vprintk", "bpf_probe_write_user"]
      var compared = 0
      for type in BPFProgramKind.allKnown where !FeatureProbe.needsTarget(type) {
        guard let theirs = bpftool.helpers(in: "\(type)") else { continue }
        for helper in BPFHelper.allKnown where helper.rawValue <= 209 && !silent.contains("\(helper)") {
          let ours = BPFFeature.helper(helper, in: type).availability()
          let understands = running < KernelVersion(6, 11)
          let isThere = theirs.contains("\(helper)")
          // Helpers that may sleep are refused by a word that bpftool does not know.
          if case .missing(let reason, _) = ours, reason.contains("sleepable") { continue }
          #expect(
            understands ? (ours == .available) == isThere : ours != .available || isThere,
            "\(helper) in \(type): \(ours), bpftool: \(isThere)")
          compared += 1
        }
      }
      #expect(compared > 4000)
    }

    @Test func `helpers are offered by program type`() {
      #expect(BPFFeature.helper(.redirectToNeighbour, in: .trafficControl).isAvailable)
      #expect(BPFFeature.helper(.routeLookup, in: .xdp).isAvailable)
      guard case .missing(let reason, _) = BPFFeature.helper(.redirectToNeighbour, in: .xdp).availability() else {
        Issue.record("bpf_redirect_neigh in XDP: \(BPFFeature.helper(.redirectToNeighbour, in: .xdp).availability())")
        return
      }
      #expect(reason.contains("programs of type xdp may not call it"))
      let unheard = BPFFeature.helper(BPFHelper(rawValue: 9999), in: .xdp).availability()
      guard case .missing(let words, _) = unheard else {
        Issue.record("helper 9999: \(unheard)")
        return
      }
      #expect(words.contains("does not know helper 9999"))
    }

    @Test func `helpers of programs at functions are tried at a function`() {
      let tracing = BPFFeature.programType(.tracing).availability()
      let helper = BPFFeature.helper(BPFHelper(rawValue: 183), in: .tracing)  // bpf_get_func_arg
      #expect(helper.availability() == tracing)
      guard tracing == .available else { return }
      guard case .missing = BPFFeature.helper(.redirectToNeighbour, in: .tracing).availability() else {
        Issue.record("a program at a function may redirect packets")
        return
      }
    }

    /// What Linux itself says of its versions; the probe finds it without knowing the version.
    @Test func `what newer kernels brought is there exactly on those`() {
      let newer: [(BPFFeature, KernelVersion)] = [
        (.tcx, KernelVersion(6, 6)), (.queryRevisions, KernelVersion(6, 6)),
        (.attach(.tcxEgress), KernelVersion(6, 6)), (.mapKind(BPFMapKind(rawValue: 33)), KernelVersion(6, 9)),
        (.mapKind(BPFMapKind(rawValue: 32)), KernelVersion(6, 2)),
        (.attach(BPFAttachType(rawValue: 49)), KernelVersion(6, 7)),
        (.helper(.cgroupStorage, in: .cgroupSocket), KernelVersion(6, 2)),
      ]
      for (feature, kernel) in newer {
        let availability = feature.availability()
        #expect(feature.minimumKernel == kernel)
        if running >= kernel {
          #expect(availability == .available, "\(feature)")
        } else if case .missing(let reason, let minimum) = availability {
          #expect(minimum == kernel)
          #expect(reason.contains("Linux \(kernel.major).\(kernel.minor) brought it"), "\(feature): \(reason)")
        } else {
          Issue.record("\(feature): \(availability)")
        }
      }
    }

    @Test func `what the floor has is there`() {
      let floor: [BPFFeature] = [
        .links, .kernelTypes, .mappableArray, .ringBuffer, .mapKind(BPFMapKind(rawValue: 30)),
        .batch(.lookUp, of: .hash), .batch(.take, of: .hash), .batch(.update, of: .array), .batch(.delete, of: .hash),
        .batch(.lookUp, of: .lpmTrie), .batch(.lookUp, of: .perCPUHash), .attach(.xdp), .attach(.socketLookup),
        .programType(.cgroupAddress), .helper(.tailCall, in: .xdp),
      ]
      for feature in floor { #expect(feature.availability() == .available, "\(feature)") }
      for hook in [CgroupHook.connect4, .sendmsg6, .recvmsg4, .getpeername6, .getsockopt, .bind4] {
        #expect(BPFFeature.attach(.cgroup(hook)).availability() == .available, "\(hook)")
      }
    }

    @Test func `kinds without batches say so`() {
      for kind in [BPFMapKind.ringBuffer, .programArray, BPFMapKind(rawValue: 22)] {
        guard case .missing(let reason, _) = BPFFeature.batch(.lookUp, of: kind).availability() else {
          Issue.record("\(kind) has batches")
          continue
        }
        #expect(reason.contains("no batched look-up"))
      }
      guard case .unknown = BPFFeature.batch(.delete, of: BPFMapKind(rawValue: 26)).availability() else {
        Issue.record("struct_ops maps have batches")
        return
      }
      guard case .missing = BPFFeature.batch(.delete, of: .array).availability() else {
        Issue.record("entries of arrays can be deleted")
        return
      }
    }

    @Test func `what there is no probe for is unknown, not missing`() {
      for feature in [
        BPFFeature.mapKind(BPFMapKind(rawValue: 4000)), .attach(BPFAttachType(rawValue: 4000)),
        .batch(.lookUp, of: BPFMapKind(rawValue: 4000)), .helper(.loop, in: .structOperations),
      ] {
        guard case .unknown(let reason) = feature.availability() else {
          Issue.record("\(feature): \(feature.availability())")
          continue
        }
        #expect(reason.contains("no probe"))
      }
      guard case .missing = BPFFeature.programType(BPFProgramKind(rawValue: 4000)).availability() else {
        Issue.record("program type 4000")
        return
      }
    }

    @Test func `every hook that can be asked about has an answer, and a function hook is one of the kernel's`() {
      for type in BPFAttachType.allKnown {
        if case .unknown(let reason) = BPFFeature.attach(type).availability() { Issue.record("\(type): \(reason)") }
      }
    }

    @Test func `without privilege the answer is unknown, and asked again with it`() async throws {
      let features: [BPFFeature] = [.mapKind(BPFMapKind(rawValue: 16)), .helper(BPFHelper(rawValue: 44), in: .xdp)]
      try await withoutCapabilities(in: .current()) {
        for feature in features where FeatureProbe.answer(feature.subject) != .available {
          guard case .unknown(let reason) = FeatureProbe.answer(feature.subject) else {
            Issue.record("\(feature): \(FeatureProbe.answer(feature.subject))")
            continue
          }
          #expect(reason.contains("CAP_BPF") && reason.contains("root"), "\(reason)")
        }
        #expect(FeatureProbe.answer(features[1].subject) != .available)
      }
      for feature in features { #expect(feature.isAvailable, "\(feature)") }
      // No other test asks for this, so nothing is known before.
      let fresh = BPFFeature.batch(.take, of: .lruPerCPUHash)
      try await withoutCapabilities(in: .current()) { #expect(!fresh.isAvailable) }
      #expect(fresh.isAvailable)
    }

    @Test func `a feature is one of the machine's features too`() async throws {
      let ring = KernelFeature(.ringBuffer)
      #expect(ring.name == "map kind ring buffer")
      #expect(ring.minimumKernel == KernelVersion(5, 8))
      #expect(await ring.availability() == .available)
      let absent = KernelFeature(.helper(.redirectToNeighbour, in: .xdp))
      guard case .missing(let reason) = await absent.availability() else {
        Issue.record("available")
        return
      }
      #expect(reason.contains("may not call it"))
    }

    @Test func `XDP modes are the device's`() async throws {
      try await withScratchNamespace { namespace in
        let index = try await namespace.makePair()
        #expect(await BPFFeature.xdp(.native, on: index, in: namespace) == .available)
        #expect(await BPFFeature.xdp(.generic, on: index, in: namespace) == .available)
        #expect(await BPFFeature.xdp(.generic, on: 1, in: namespace) == .available)
        guard case .missing = await BPFFeature.xdp(.native, on: 1, in: namespace) else {
          Issue.record("loopback has native XDP")
          return
        }
        guard case .unknown(let reason) = await BPFFeature.xdp(.native, on: 4711, in: namespace) else {
          Issue.record("interface 4711 has XDP")
          return
        }
        #expect(reason.contains("no such interface"))
      }
    }

    @Test func `probes leave no descriptor`() async throws {
      try await expectNoDescriptorLeak {
        for number in 1..<UInt32(34) {
          _ = FeatureProbe.answer(.mapKind(BPFMapKind(rawValue: number)))
          _ = FeatureProbe.answer(.batch(.lookUp, BPFMapKind(rawValue: number)))
        }
        for type in BPFProgramKind.allKnown { _ = FeatureProbe.answer(.programType(type)) }
        for type in BPFAttachType.allKnown { _ = FeatureProbe.answer(.attach(type)) }
        for helper in BPFHelper.allKnown.prefix(20) { _ = FeatureProbe.answer(.helper(helper, .xdp)) }
        for subject in [BPFFeature.Subject.mappableArray, .links, .kernelTypes, .queryRevisions] {
          _ = FeatureProbe.answer(subject)
        }
      }
    }
  }
}
