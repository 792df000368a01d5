// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension NetlinkSocket {
  /// How many operations are sent at once.
  ///
  /// If the kernel refuses all of them, its answers still fit the receive buffer that a socket has by default.
  static let batchSize = 125

  /// Makes many changes with few system calls: up to 125 in one datagram, answered by one.
  ///
  /// The kernel carries them out in order, and a refusal does not stop those behind it. The task keeps its turn on the
  /// socket until all are through. When it is cancelled, or the kernel does not answer in time, the operations that were
  /// not sent are said to have failed with that code, and so are those whose outcome is not known.
  ///
  /// - Parameter operations: what to do, in this order.
  /// - Returns: What became of each. A failed operation is no error of the call, which never throws.
  /// - Requires: `CAP_NET_ADMIN`.
  public func perform(_ operations: [NetlinkOperation]) async -> BatchOutcome {
    await performAll(operations)
  }

  func performAll(_ requests: [some NetlinkRequest]) async -> BatchOutcome {
    var outcome = BatchOutcome(count: requests.count)
    guard let first = requests.first else { return outcome }
    guard await line.enter() else {
      outcome.fail(0..<requests.count, with: .cancelledInLine(first)) { requests[$0].operation }
      return outcome
    }
    defer { line.leave() }
    var start = 0
    while start < requests.count {
      var sent = start
      do throws(NetlinkError) {
        try await performSome(of: requests, from: start, sent: &sent, &outcome)
      } catch {
        outcome.fail(start..<sent, with: error) { requests[$0].operation }
        outcome.fail(sent..<requests.count, with: error.asNotSent) { requests[$0].operation }
        return outcome
      }
      start = sent
    }
    return outcome
  }

  /// Sends as many requests as go into one datagram and waits for the answer.
  ///
  /// `sent` becomes the place of the first request that was not sent.
  private func performSome(
    of requests: [some NetlinkRequest], from start: Int, sent: inout Int, _ outcome: inout BatchOutcome
  ) async throws(NetlinkError) {
    var deadline = Deadline(after: timeoutNanoseconds)
    try drain(before: requests[start], until: &deadline)
    if Task.isCancelled { throw .cancelledInLine(requests[start]) }
    let (end, written) = write(requests, from: start, &outcome)
    guard let written else {
      sent = end
      return
    }
    channel.writer.addFlags(NLM_F_ACK)
    do throws(TransportError) {
      try channel.send()
    } catch {
      throw NetlinkError(error, during: requests[start])
    }
    sent = end
    let exchange = BatchExchange(first: written.lowerBound, last: written.upperBound, port: channel.port)
    while true {
      guard let datagram = try takeDatagram(for: requests[start], until: &deadline) else {
        try await waitForAnswer(to: requests[start], until: &deadline)
        continue
      }
      let event: BatchExchange.Event
      do throws(WireError) {
        event = try channel.buffer.withBytes(datagram.length) { bytes throws(WireError) in
          try walk(bytes, exchange, requests, from: start, &outcome)
        }
      } catch {
        throw NetlinkError(
          .malformedReply, operation: requests[start].operation, reason: "\(error)", request: requests[start].name)
      }
      switch event {
      case .ignored, .refused:
        if Task.isCancelled { throw .cancelled(requests[start]) }
        guard !deadline.hasPassed else { throw timedOut(requests[start]) }
      case .finished(let failure):
        channel.isDraining = false
        guard let failure else { return }
        refuse(requests, start + Int(exchange.last &- exchange.first), exchange.last, failure, &outcome)
        return
      case .overrun: throw NetlinkError(KernelFailure(errno: ErrorNumber.noBuffers), during: requests[start], sent: [])
      }
    }
  }

  /// Puts requests into the buffer until it is full or holds ``batchSize``.
  ///
  /// - Returns: The place behind the last one that was looked at, and the sequence numbers of those in the buffer: the one
  ///   at `start`, which counts also when it could not be written, and the last; nil when none is in the buffer.
  private func write(
    _ requests: [some NetlinkRequest], from start: Int, _ outcome: inout BatchOutcome
  ) -> (end: Int, written: (lowerBound: UInt32, upperBound: UInt32)?) {
    let first = channel.sequence &+ 1
    var last: UInt32?
    channel.writer.reset()
    var place = start
    while place < requests.count, place - start < NetlinkSocket.batchSize {
      let request = requests[place]
      if let objection = request.objection {
        channel.sequence &+= 1
        outcome.fail(place, NetlinkError(objection, against: request))
      } else if channel.write(request, flags: 0) {
        last = channel.sequence
      } else {
        let failure = channel.writer.failure
        channel.writer.dropLast()
        guard last == nil else {
          channel.sequence &-= 1
          break
        }
        outcome.fail(place, NetlinkError(failure.map { "\($0)" } ?? "", against: request))
      }
      place += 1
    }
    return (place, last.map { (first, $0) })
  }

  /// Takes the messages of one datagram, up to the one that ends the batch.
  private func walk(
    _ datagram: RawSpan, _ exchange: BatchExchange, _ requests: [some NetlinkRequest], from start: Int,
    _ outcome: inout BatchOutcome
  ) throws(WireError) -> BatchExchange.Event {
    var cursor = MessageCursor()
    while let message = try cursor.next(in: datagram) {
      switch try exchange.accept(message, in: datagram) {
      case .ignored: continue
      case .refused(let place, let failure): refuse(requests, start + place, message.sequence, failure, &outcome)
      case let end: return end
      }
    }
    return .ignored
  }

  private func refuse(
    _ requests: [some NetlinkRequest], _ place: Int, _ sequence: UInt32, _ failure: KernelFailure,
    _ outcome: inout BatchOutcome
  ) {
    outcome.fail(
      place, NetlinkError(failure, during: requests[place], sent: channel.writer.bytes(sequence: sequence)))
  }
}

extension BatchOutcome {
  /// Notes a failure; of two for one operation the first stays.
  fileprivate mutating func fail(_ index: Int, _ error: NetlinkError) {
    // They come nearly in order: only those refused before they were sent are ahead of the kernel's refusals.
    var place = failures.count
    while place > 0, failures[place - 1].index >= index {
      if failures[place - 1].index == index { return }
      place -= 1
    }
    failures.insert(Failure(index: index, error: error), at: place)
  }

  fileprivate mutating func fail(_ range: Range<Int>, with error: NetlinkError, _ operation: (Int) -> String) {
    for index in range { fail(index, error.about(operation(index))) }
  }
}
