// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import Testing

extension BPFKernelTests {
  @Suite("Objects of the system")
  struct SystemObjectTests {
    @Test(.requires(.bpftool)) func `maps and programs are listed as bpftool lists them`() async throws {
      let object = try loadSamples()
      let program = try object.program("reads_context")
      let flow = try object.map("flow", as: BPFHashMap<SampleKey, SampleState>.self)
      let maps = try #require(try await bpftool("map list") as? [[String: Any]])
      let ours = try #require(try BPFMapInfo.all().first { $0.identifier == flow.identifier })
      let theirs = try #require(maps.first { $0["id"] as? UInt32 == flow.identifier })
      let raw = try BPFRawMap.open(identifier: flow.identifier)
      #expect(theirs["name"] as? String == ours.name)
      #expect(theirs["type"] as? String == ours.kind.kernelName)
      #expect(theirs["bytes_key"] as? Int == ours.keySize)
      #expect(theirs["bytes_value"] as? Int == ours.valueSize)
      #expect(theirs["max_entries"] as? UInt32 == ours.maximumEntryCount)
      #expect(theirs["btf_id"] as? UInt32 == ours.typesIdentifier)
      #expect(theirs["bytes_memlock"] as? Int == raw.memory)
      #expect(theirs["frozen"] as? Int == (raw.isFrozen ? 1 : 0))
      let programs = try #require(try await bpftool("prog list") as? [[String: Any]])
      let info = try #require(try BPFProgramInfo.all().first { $0.identifier == program.identifier })
      let expected = try #require(programs.first { $0["id"] as? UInt32 == program.identifier })
      #expect(expected["name"] as? String == info.name)
      #expect(expected["type"] as? String == info.kind.description)
      #expect(expected["tag"] as? String == info.tag)
      #expect(expected["gpl_compatible"] as? Bool == info.isGPLCompatible)
      #expect(expected["bytes_xlated"] as? Int == info.translatedSize)
      #expect(expected["bytes_jited"] as? Int ?? 0 == info.compiledSize)
      #expect(expected["bytes_memlock"] as? Int == info.memory)
      #expect(expected["map_ids"] as? [UInt32] ?? [] == info.mapIdentifiers)
      #expect(try BPFProgramInfo.program(identifier: program.identifier)?.name == "reads_context")
      #expect(try BPFProgramInfo.program(identifier: 0x7fff_fff0) == nil)
      #expect(try info.functions().map(\.type.definition) == ["int reads_context(struct __sk_buff *skb);"])
    }

    @Test func `runs are counted while somebody counts them`() throws {
      let program = try loadSamples().program("counts")
      func count() throws -> UInt64 {
        try #require(try BPFProgramInfo.program(identifier: program.identifier)).runCount
      }
      do {
        let counting = try BPFRunTimeCounting()
        let before = try count()
        for _ in 0..<5 { _ = try program.test(packet: packet) }
        #expect(try count() == before + 5)
        let info = try #require(try BPFProgramInfo.program(identifier: program.identifier))
        #expect(info.runTime > 0)
        _ = consume counting
      }
    }

    @Test(.requires(.tcx)) func `a link names its program`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let program = try loadSamples().program("counts")
        let attachment = try await program.attach(toTrafficControl: .ingress, of: interface, in: namespace)
        let link = try #require(try BPFAttachments.all().first { $0.programIdentifier == program.identifier })
        #expect(link.kind.description == "tcx")
        let holders = BPFObjectHolder.all()[BPFObjectReference(.link, link.identifier)]
        #expect(holders?.isEmpty == false)
        try await attachment.detach()
        #expect(try BPFAttachments.all().contains { $0.identifier == link.identifier } == false)
      }
    }

    @Test func `listing everything leaves no descriptor open`() async throws {
      let object = try loadSamples()
      let program = try object.program("counts").identifier
      try await expectNoDescriptorLeak {
        let info = try #require(try BPFProgramInfo.program(identifier: program))
        _ = try info.functions()
        _ = try BPFMapInfo.all().map { try? $0.types() }
        _ = try BPFProgramInfo.all()
        _ = try BPFAttachments.all()
        _ = BPFObjectReference.pins()
        _ = BPFObjectHolder.all()
        _ = try BPFRunTimeCounting()
      }
    }

    @Test func `without capabilities nothing is listed, and the remedy is said`() async throws {
      let namespace = try NetworkNamespace.current()
      let message = try await withoutCapabilities(in: namespace) {
        do throws(BPFError) {
          _ = try BPFMapInfo.all()
          return "listed"
        } catch {
          return "\(error.code): \(error)"
        }
      }
      #expect(message == "permissionDenied: list the system's maps: needs CAP_SYS_ADMIN, or root")
    }
  }
}
