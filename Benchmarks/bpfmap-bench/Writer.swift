// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BenchSupport
import Foundation
import Glibc
import Synchronization

/// The program that writes records, run over and over on a thread of its own.
final class Writer: Sendable {
  private enum Slot: UInt32 { case written, lost, began, interval }

  private struct End {
    var cpu = 0.0
    var at = 0.0
    var hasStopped = true
  }

  private let program: BPFProgram
  private let state: BPFArrayMap<UInt64>
  private let isAskedToStop = Atomic(false)
  private let end = Mutex(End())
  private static let packet = [UInt8](repeating: 0, count: 60)

  init(_ object: borrowing LoadedObject) throws {
    program = try object.program("ring_write")
    state = try object.map("state", as: BPFArrayMap<UInt64>.self)
  }

  /// Forgets what was written; 0: as fast as it can.
  func reset(_ recordsPerSecond: UInt64) throws {
    for slot in [Slot.written, .lost, .began] { try state.setValue(0, at: slot.rawValue) }
    let interval = recordsPerSecond == 0 ? 0 : 1_024_000_000_000 / recordsPerSecond
    try state.setValue(interval, at: Slot.interval.rawValue)
  }

  /// Writes so many records on the calling thread.
  func fill(_ count: Int) throws {
    try reset(0)
    _ = try program.test(packet: Self.packet, repeat: Int32(count))
  }

  func written() throws -> UInt64 { try state.value(at: Slot.written.rawValue) ?? 0 }

  func lost() throws -> UInt64 { try state.value(at: Slot.lost.rawValue) ?? 0 }

  func start() {
    isAskedToStop.store(false, ordering: .relaxed)
    end.withLock { $0.hasStopped = false }
    Thread.detachNewThread { [self] in
      while !isAskedToStop.load(ordering: .relaxed) { _ = try? program.test(packet: Self.packet, repeat: 20_000) }
      let (cpu, at) = (Measurement.now(CLOCK_THREAD_CPUTIME_ID), Measurement.now(CLOCK_MONOTONIC))
      end.withLock { $0 = End(cpu: cpu, at: at, hasStopped: true) }
    }
  }

  func askToStop() { isAskedToStop.store(true, ordering: .relaxed) }

  var hasStopped: Bool { end.withLock { $0.hasStopped } }

  /// The thread's processor time, in microseconds.
  var cpu: Double { end.withLock { $0.cpu } }

  /// When it stopped, in microseconds of the monotonic clock.
  var stoppedAt: Double { end.withLock { $0.at } }
}
