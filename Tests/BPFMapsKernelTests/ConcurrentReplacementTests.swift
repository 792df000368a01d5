// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import Synchronization
import Testing

extension BPFKernelTests {
  /// One attachment, whose program many tasks exchange at once.
  @Suite("Replacing from many tasks")
  struct ConcurrentReplacementTests {
    private static let taskCount = 4
    private static let packetCount = 10_000

    /// A program and the counter that it alone counts in.
    private final class Candidate: Sendable {
      let program: BPFProgram
      let counter: BPFPerCPUArrayMap<drop_counter>

      init() throws {
        let object = try loadSamples()
        program = try object.program("counts")
        counter = try object.map("counter", as: BPFPerCPUArrayMap<drop_counter>.self)
      }
    }

    private final class Flag: Sendable {
      private let state = Atomic(false)

      var isSet: Bool { state.load(ordering: .relaxed) }
      func set() { state.store(true, ordering: .relaxed) }
    }

    private final class Holder: Sendable {
      let attachment: BPFMaps.Attachment

      init(_ attachment: consuming BPFMaps.Attachment) { self.attachment = attachment }
    }

    @Test(arguments: [TrafficControlMechanism.automatic, .clsact])
    func `every packet is judged, and one program is there at the end`(mechanism: TrafficControlMechanism) async throws
    {
      try await withScratchNamespace { namespace in
        let candidates = try (0..<Self.taskCount).map { _ in try Candidate() }
        let holder = Holder(
          try await candidates[0].program.attach(
            toTrafficControl: .ingress, of: 1, in: namespace, mechanism: mechanism))
        let isDone = Flag()
        let replacements = try await withThrowingTaskGroup(of: Int.self) { group in
          group.addTask {
            defer { isDone.set() }
            try await Self.send(in: namespace)
            return 0
          }
          for candidate in candidates {
            group.addTask { try await Self.replace(holder, candidate, until: isDone) }
          }
          return try await group.reduce(0, +)
        }
        #expect(replacements >= Self.taskCount)
        var counted: UInt64 = 0
        for candidate in candidates { counted += try candidate.counter.sum(at: 0, of: \.packets) ?? 0 }
        #expect(counted == UInt64(Self.packetCount))
        let left = try await BPFAttachments.atTrafficControl(.ingress, of: 1, in: namespace).programs
        #expect(left.count == 1)
        #expect(candidates.contains { $0.program.identifier == left.first?.program.identifier })
      }
    }

    @Test(arguments: [TrafficControlMechanism.automatic, .clsact])
    func `of many who replace the same program one wins`(mechanism: TrafficControlMechanism) async throws {
      try await withScratchNamespace { namespace in
        let original = try Candidate()
        let candidates = try (0..<8).map { _ in try Candidate() }
        let holder = Holder(
          try await original.program.attach(toTrafficControl: .ingress, of: 1, in: namespace, mechanism: mechanism))
        let winners = await withTaskGroup(of: (UInt32, BPFError?).self) { group in
          for candidate in candidates {
            group.addTask { (candidate.program.identifier, await Self.replace(holder, candidate, ifStill: original)) }
          }
          return await group.reduce(into: [UInt32]()) { winners, outcome in
            if let error = outcome.1 {
              #expect(error.code == .busy, "\(error)")
            } else {
              winners.append(outcome.0)
            }
          }
        }
        #expect(winners.count == 1)
        let left = try await BPFAttachments.atTrafficControl(.ingress, of: 1, in: namespace).programs
        #expect(left.map(\.program.identifier) == winners)
      }
    }

    private static func replace(
      _ holder: Holder, _ candidate: Candidate, until isDone: Flag
    ) async throws -> Int {
      var count = 0
      repeat {
        try await holder.attachment.replaceProgram(with: candidate.program)
        count += 1
        await Task.yield()
      } while !isDone.isSet
      return count
    }

    private static func replace(
      _ holder: Holder, _ candidate: Candidate, ifStill original: Candidate
    ) async -> BPFError? {
      do throws(BPFError) {
        try await holder.attachment.replaceProgram(with: candidate.program, ifStill: original.program)
        return nil
      } catch {
        return error
      }
    }

    /// Sends datagrams over loopback to a socket that takes them.
    private static func send(in namespace: NetworkNamespace) async throws {
      try await namespace.run {
        let receiver = try TestSocket(AF_INET, SOCK_DGRAM)
        try receiver.bindLocally(AF_INET)
        let port = receiver.localPort()
        let sender = try TestSocket(AF_INET, SOCK_DGRAM)
        for _ in 0..<packetCount where !sender.sendLocally(AF_INET, port: port) {
          throw SocketFailure(call: "sendto", errno: errno)
        }
      }
    }
  }
}
