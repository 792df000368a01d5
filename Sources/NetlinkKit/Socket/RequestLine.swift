// SPDX-License-Identifier: Apache-2.0

/// The line in front of a socket.
///
/// An actor lets others in at every `await`; this lets one through at a time.
struct RequestLine {
  private var isTaken = false
  private var waiting: [(ticket: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
  private var tickets: UInt64 = 0

  /// Takes the turn if nobody has it and nobody waits.
  mutating func tryEnter() -> Bool {
    guard !isTaken else { return false }
    isTaken = true
    return true
  }

  mutating func makeTicket() -> UInt64 {
    tickets += 1
    return tickets
  }

  mutating func wait(_ ticket: UInt64, _ continuation: CheckedContinuation<Bool, Never>) {
    waiting.append((ticket, continuation))
  }

  /// Hands the turn to the one who waited longest.
  mutating func leave() {
    guard !waiting.isEmpty else {
      isTaken = false
      return
    }
    waiting.removeFirst().continuation.resume(returning: true)
  }

  /// Lets the holder of `ticket` go without a turn, unless it has it already.
  mutating func giveUp(_ ticket: UInt64) {
    guard let place = waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
    waiting.remove(at: place).continuation.resume(returning: false)
  }
}

extension NetlinkSocket {
  /// Waits for the turn; false when the task was cancelled meanwhile.
  func enter() async -> Bool {
    if Task.isCancelled { return false }
    if line.tryEnter() { return true }
    let ticket = line.makeTicket()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if Task.isCancelled {
          continuation.resume(returning: false)
        } else {
          line.wait(ticket, continuation)
        }
      }
    } onCancel: {
      Task { await self.giveUp(ticket) }
    }
  }

  private func giveUp(_ ticket: UInt64) { line.giveUp(ticket) }
}
