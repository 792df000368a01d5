// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import SystemPackage
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Who holds an attachment")
  struct HolderTests {
    private func listed(_ interface: UInt32, _ namespace: NetworkNamespace) async throws -> [AttachedProgram] {
      try await BPFAttachments.atXDP(of: interface, in: namespace, includingHolders: true).programs
    }

    @Test func `a link ends with the process that holds it, also when it is killed`() async throws {
      try await withScratchNamespace { namespace in
        let interface = try await namespace.makePair()
        let object = try BPFObject(.xdp).load()
        let holder: HoldingProcess
        do {
          let attachment = try await object.program("passes").attach(toXDP: interface, in: namespace)
          let descriptor = attachment.linkDescriptor
          let link = try #require(descriptor)
          let ours = try await listed(interface, namespace)
          #expect(ours.first?.holders.map(\.process) == [getpid()])
          #expect(ours.first?.holders.flatMap(\.descriptors) == [link])
          holder = try HoldingProcess(holding: link)
          #expect(try await listed(interface, namespace).first?.holders.flatMap(\.descriptors).count == 2)
        }
        // Ours is gone; the other process's is not.
        let theirs = try await listed(interface, namespace)
        #expect(theirs.map(\.program.name) == ["passes"])
        #expect(theirs.first?.holders.map(\.process) == [holder.identifier])
        #expect(theirs.first?.holders.map(\.name) == ["sleep"])
        #expect(theirs.first?.holders.flatMap(\.descriptors) == [9])
        #expect(theirs.first?.program.user == 0)
        #expect((theirs.first?.program.loadTime ?? 0) > 0)
        holder.kill()
        #expect(try await listed(interface, namespace).isEmpty)
      }
    }

    @Test func `a pinned link outlives the process that holds it, and no process holds it then`() async throws {
      try await withScratchNamespace { namespace in
        try await withPinDirectory { directory in
          let path = directory.appending("held")
          let interface = try await namespace.makePair()
          let object = try BPFObject(.xdp).load()
          let holder: HoldingProcess
          do {
            let attachment = try await object.program("passes").attach(toXDP: interface, in: namespace)
            try attachment.pin(at: path)
            let descriptor = attachment.linkDescriptor
            holder = try HoldingProcess(holding: try #require(descriptor))
          }
          holder.kill()
          let pinned = try await listed(interface, namespace)
          #expect(pinned.map(\.program.name) == ["passes"])
          #expect(pinned.first?.holders.isEmpty == true)
          try await Attachment.open(pinnedAt: path, expecting: .xdp(interface: interface)).detach()
          #expect(try await listed(interface, namespace).isEmpty)
        }
      }
    }

    @Test func `all links of the machine are listed, ours among them`() async throws {
      try await withScratchNamespace { namespace in
        let program = try BPFObject(.socket_lookup).load().program("refuses_port")
        let attachment = try program.attach(toSocketLookupIn: namespace)
        let info = try #require(try attachment.info())
        #expect(try BPFAttachments.all().contains(info))
        try await attachment.detach()
        #expect(try !BPFAttachments.all().contains(info))
      }
    }

    @Test func `a program is found by its identifier, and says what it is`() throws {
      let program = try loadSamples().program("counts")
      let again = try BPFProgram.open(identifier: program.identifier)
      #expect(again.name == "counts")
      let info = try again.info()
      #expect(info.type == "sched_cls")
      #expect(info.tag.count == 16)
      #expect(info == (try BPFProgramInfo(identifier: program.identifier)))
      #expect { _ = try BPFProgram.open(identifier: UInt32.max - 1) } throws: { ($0 as? BPFError)?.code == .notFound }
    }

    @Test(.requires(.netkitPrograms)) func `netkit programs see what an end sends, and are listed`() async throws {
      try await withScratchNamespace { namespace in
        let socket = try await NetlinkSocket(in: namespace)
        let pair = try await socket.links.add(
          NewLink(name: "nk0", kind: .netkit(peer: VethPeer(name: "nk1", isUp: true), NetkitSettings()), isUp: true))
        let interface = pair.index.rawValue
        let object = try BPFObject(.order).load()
        let attachment = try await object.program("step_1").attach(toNetkit: .primary, of: interface, in: namespace)
        let first = try await object.program("step_2").attach(
          toNetkit: .primary, of: interface, in: namespace, order: .first)
        #expect(attachment.mechanism == .netkit)
        #expect(try attachment.info()?.hook == .netkit(.primary, interface: interface))
        let listed = try await BPFAttachments.atNetkit(.primary, of: interface, in: namespace)
        #expect(listed.programs.map(\.program.name) == ["step_2", "step_1"])
        _ = try takeSteps(object)
        try await namespace.shell("ip address add 10.8.0.1/24 dev nk0 && echo x > /dev/udp/10.8.0.2/9")
        #expect(try takeSteps(object).prefix(2) == [2, 1])
        try await first.replaceProgram(with: object.program("step_3"))
        try await attachment.detach()
        let left = try await BPFAttachments.atNetkit(.primary, of: interface, in: namespace)
        #expect(left.programs.map(\.program.name) == ["step_3"])
        await #expect {
          _ = try await object.program("step_4").attach(toNetkit: .peer, of: 1, in: namespace)
        } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("no netkit device") }
        let other = try await namespace.run { unsafe if_nametoindex("nk1") }
        await #expect {
          _ = try await object.program("step_4").attach(toNetkit: .peer, of: other, in: namespace)
        } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("the peer's end") }
        try await first.detach()
      }
    }

    @Test(.requires(absenceOf: .netkitPrograms))
    func `netkit without support is refused by first kernel`() async throws {
      try await withScratchNamespace { namespace in
        let program = try BPFObject(.order).load().program("step_1")
        await #expect { _ = try await program.attach(toNetkit: .peer, of: 1, in: namespace) } throws: {
          ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("6.7")
        }
        await #expect { _ = try await BPFAttachments.atNetkit(.peer, of: 1, in: namespace) } throws: {
          ($0 as? BPFError)?.code == .notSupported
        }
      }
    }
  }
}
