// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
import Foundation
import Synchronization
import Testing

/// `struct ring_header` of the programs: what each record begins with.
public struct RingHeader: BPFValue, BitwiseCopyable {
  var kind: UInt32
  var producer: UInt32

  /// As in the programs.
  public static let layout = StructLayout(
    "ring_header", of: Self.self, fields: [.init("kind", \.kind), .init("producer", \.producer)])
}

/// `struct ring_event` of the programs: 64 bytes.
public struct RingEvent: BPFValue, BitwiseCopyable {
  var header: RingHeader
  var sequence: UInt64
  var fill: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  /// As in the programs.
  public static let layout = StructLayout(
    "ring_event", of: Self.self,
    fields: [.init("header", \.header), .init("sequence", \.sequence), .init("fill", \.fill)])
}

/// `struct ring_open` of the programs.
public struct RingOpen: BPFValue, BitwiseCopyable {
  var header: RingHeader
  var number: UInt64

  /// As in the programs.
  public static let layout = StructLayout(
    "ring_open", of: Self.self, fields: [.init("header", \.header), .init("number", \.number)])
}

/// The programs that write records, and their rings.
struct RingFixture: ~Copyable {
  let object: LoadedObject
  let events: BPFRingBuffer<RingEvent>

  init(bytes: UInt32 = 4096) throws {
    var object = try BPFObject(.ring, checking: [RingHeader.layout, RingEvent.layout, RingOpen.layout])
    try object.setMaxEntries(bytes, forMap: "events")
    let loaded = try object.load()
    events = try loaded.map("events", as: BPFRingBuffer<RingEvent>.self)
    self.object = loaded
  }

  /// Runs a program, and says whether it wrote its record.
  @discardableResult
  func run(_ program: String, _ first: UInt32 = 0, _ second: UInt32 = 0, times: Int32 = 1) throws -> Bool {
    try object.program(program).test(
      packet: packet, context: SocketBufferContext(controlBlock: [first, second]), repeat: times
    ).returnValue == 0
  }

  /// How many records there was no space for.
  func lost() throws -> UInt64 {
    try BPFLossCounter(object.map("lost", as: BPFPerCPUArrayMap<UInt64>.self)).count()
  }
}

/// A thread of its own that runs a program over and over.
final class RingProducer: Sendable {
  private let program: BPFProgram
  private let isStopped = Atomic(false)
  private let isOver = DispatchSemaphore(value: 0)

  /// Starts it.
  ///
  /// - Parameters:
  ///   - program: What to run.
  ///   - number: Its producer's number.
  ///   - rounds: How often; nil: until ``stop()``.
  ///   - times: How many runs a round has.
  /// - Throws: What duplicating the program does.
  init(_ program: borrowing BPFProgram, number: UInt32 = 0, rounds: Int? = nil, times: Int32 = 10_000) throws {
    self.program = try program.duplicate()
    Thread.detachNewThread { [self] in
      var round = 0
      while !isStopped.load(ordering: .relaxed), rounds.map({ round < $0 }) ?? true {
        _ = try? self.program.test(
          packet: packet, context: SocketBufferContext(controlBlock: [number]), repeat: times)
        round += 1
      }
      isOver.signal()
    }
  }

  /// Lets the current round be the last.
  func stop() { isStopped.store(true, ordering: .relaxed) }

  /// Blocks until the last round is over.
  func join() { isOver.wait() }
}

/// Counts from many tasks.
final class Tally: Sendable {
  private let number = Atomic(0)

  var count: Int { number.load(ordering: .relaxed) }

  func add() { number.add(1, ordering: .relaxed) }
}
