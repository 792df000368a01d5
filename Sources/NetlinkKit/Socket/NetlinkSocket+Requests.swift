// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension NetlinkSocket {
  /// Makes a change and waits for the kernel's acknowledgement.
  @inline(__always)
  func acknowledge(_ request: some NetlinkRequest) async throws(NetlinkError) {
    _ = try await exchange(request, flags: NLM_F_ACK) { _, _ throws(WireError) in }
  }

  /// Asks for one object; nil when the kernel answers without one.
  func lookUp<Query: NetlinkQuery>(_ query: Query) async throws(NetlinkError) -> Query.Element? {
    var found: Query.Element?
    _ = try await exchange(query, flags: NLM_F_ACK) { message, datagram throws(WireError) in
      if let element = try query.decode(message, in: datagram) { found = element }
    }
    return found
  }

  /// Lists objects.
  ///
  /// A listing that changed while it was made is made again, up to ``dumpAttempts`` times.
  func dump<Query: NetlinkQuery>(_ query: Query) async throws(NetlinkError) -> [Query.Element] {
    var elements: [Query.Element] = []
    var lost: NetlinkError?
    for _ in 0..<dumpAttempts {
      elements.removeAll(keepingCapacity: true)
      do throws(NetlinkError) {
        let isConsistent = try await exchange(query, flags: NLM_F_DUMP) { message, datagram throws(WireError) in
          if let element = try query.decode(message, in: datagram) { elements.append(element) }
        }
        if isConsistent { return elements }
        lost = nil
      } catch  where error.code == .overrun {
        lost = error
      }
    }
    throw lost
      ?? NetlinkError(
        .interrupted, operation: query.operation,
        reason: "the objects kept changing while they were listed, \(dumpAttempts) times; try again",
        request: query.name)
  }

  /// Hands objects to `body` as they are read; none is kept, so memory does not grow with their number.
  ///
  /// Made once: what was handed out cannot be taken back, so a listing that changed meanwhile is an error at its end.
  func stream<Query: NetlinkQuery>(
    _ query: Query, _ body: (Query.Element) -> Void
  ) async throws(NetlinkError) {
    let isConsistent = try await exchange(query, flags: NLM_F_DUMP) { message, datagram throws(WireError) in
      if let element = try query.decode(message, in: datagram) { body(element) }
    }
    guard isConsistent else {
      throw NetlinkError(
        .interrupted, operation: query.operation,
        reason: "the objects changed while they were listed; what was handed out is not consistent",
        request: query.name)
    }
  }
}

extension NetlinkSocket {
  /// Sends `request` and hands each object that comes back to `receive`.
  ///
  /// - Returns: whether what came back is consistent.
  @inline(__always)
  private func exchange(
    _ request: some NetlinkRequest, flags: CInt,
    _ receive: (Message, RawSpan) throws(WireError) -> Void
  ) async throws(NetlinkError) -> Bool {
    if let objection = request.objection { throw NetlinkError(objection, against: request) }
    if !line.tryEnter() {
      guard await line.enter() else { throw .cancelledInLine(request) }
    }
    defer { line.leave() }
    var deadline = Deadline(after: timeoutNanoseconds)
    var exchange = try start(request, flags: flags, until: &deadline)
    // Nearly always the answer is there already, and this is all there is to it: no task is suspended.
    while true {
      if let isConsistent = try takeAnswers(to: request, &exchange, until: &deadline, receive) { return isConsistent }
      try await waitForAnswer(to: request, until: &deadline)
    }
  }

  /// Sends `request`.
  @inline(__always)
  private func start(
    _ request: some NetlinkRequest, flags: CInt, until deadline: inout Deadline
  ) throws(NetlinkError) -> Exchange {
    try drain(before: request, until: &deadline)
    if Task.isCancelled { throw .cancelledInLine(request) }
    channel.writer.reset()
    guard channel.write(request, flags: flags) else {
      throw NetlinkError(channel.writer.failure.map { "\($0)" } ?? "", against: request)
    }
    do throws(TransportError) {
      try channel.send()
    } catch {
      throw NetlinkError(error, during: request)
    }
    return Exchange(sequence: channel.sequence, port: channel.port)
  }

  /// Takes what has come.
  ///
  /// - Returns: whether all of it is consistent; nil when there is more to come.
  @inline(__always)
  private func takeAnswers(
    to request: some NetlinkRequest, _ exchange: inout Exchange, until deadline: inout Deadline,
    _ receive: (Message, RawSpan) throws(WireError) -> Void
  ) throws(NetlinkError) -> Bool? {
    while let datagram = try takeDatagram(for: request, until: &deadline) {
      let outcome: Exchange.Event
      do throws(WireError) {
        outcome = try channel.buffer.withBytes(datagram.length) { bytes throws(WireError) in
          if exchange.isAcknowledged(by: bytes) { return .finished }
          return try NetlinkSocket.walk(bytes, &exchange, receive)
        }
      } catch {
        throw NetlinkError(
          .malformedReply, operation: request.operation, reason: "\(error)", request: request.name)
      }
      switch outcome {
      case .ignored, .object:
        if Task.isCancelled { throw .cancelled(request) }
        guard !deadline.hasPassed else { throw timedOut(request) }
      case .finished:
        channel.isDraining = false
        return !exchange.wasInterrupted
      case .failed(let failure):
        channel.isDraining = false
        throw NetlinkError(failure, during: request, sent: channel.writer.bytes)
      case .overrun:
        throw NetlinkError(
          KernelFailure(errno: ErrorNumber.noBuffers), during: request, sent: channel.writer.bytes)
      }
    }
    return nil
  }

  /// Takes the messages of one datagram, up to the one that ends the request.
  private static func walk(
    _ datagram: RawSpan, _ exchange: inout Exchange, _ receive: (Message, RawSpan) throws(WireError) -> Void
  ) throws(WireError) -> Exchange.Event {
    var cursor = MessageCursor()
    while let message = try cursor.next(in: datagram) {
      switch try exchange.accept(message, in: datagram) {
      case .ignored: continue
      case .object: try receive(message, datagram)
      case let end: return end
      }
    }
    return .object
  }

  /// The next datagram from the kernel itself; nil when none is there.
  ///
  /// What other processes send to this port is thrown away. A reply that is there already is taken even when the task
  /// is cancelled: the kernel answers most requests before `send` returns, and then it is known whether a change was made.
  @inline(__always)
  func takeDatagram(
    for request: some NetlinkRequest, until deadline: inout Deadline
  ) throws(NetlinkError) -> ReceivedDatagram? {
    while true {
      let received: ReceivedDatagram?
      do throws(TransportError) {
        received = try channel.buffer.receive(from: channel.transport)
      } catch {
        throw NetlinkError(error, during: request)
      }
      guard let received else { return nil }
      guard received.sender == 0 else {
        // A flood from elsewhere must not keep us beyond the deadline.
        if Task.isCancelled { throw .cancelled(request) }
        guard !deadline.hasPassed else { throw timedOut(request) }
        continue
      }
      guard received.length <= ReceiveBuffer.capacity else {
        throw NetlinkError(
          .malformedReply, operation: request.operation,
          reason: "the reply of \(received.length) bytes exceeds \(ReceiveBuffer.capacity)", request: request.name)
      }
      return received
    }
  }

  /// Suspends the task until something can be received.
  func waitForAnswer(
    to request: some NetlinkRequest, until deadline: inout Deadline
  ) async throws(NetlinkError) {
    switch await channel.transport.waitUntilReadable(until: deadline.instant) {
    case .readable: break
    case .cancelled: throw .cancelled(request)
    case .timedOut: throw timedOut(request)
    }
  }

  func timedOut(_ request: some NetlinkRequest) -> NetlinkError {
    NetlinkError(
      .timedOut, operation: request.operation,
      reason: "no complete reply within \(timeout); a change may have been made all the same", request: request.name)
  }

  /// Throws away what is left of a request that was given up.
  ///
  /// Acknowledgements that come even later are told apart by their sequence numbers. A dump is different: its next
  /// part is made when the last one is received, and the kernel refuses a second dump (`EBUSY`) until it is through.
  @inline(__always)
  func drain(before request: some NetlinkRequest, until deadline: inout Deadline) throws(NetlinkError) {
    if channel.isDraining { try drainRest(before: request, until: &deadline) }
  }

  private func drainRest(before request: some NetlinkRequest, until deadline: inout Deadline) throws(NetlinkError) {
    while !deadline.hasPassed {
      if Task.isCancelled { throw .cancelledInLine(request) }
      do throws(TransportError) {
        guard try channel.buffer.receive(from: channel.transport) != nil else {
          channel.isDraining = false
          return
        }
      } catch {
        // ENOBUFS tells of messages lost, and of nothing that is still to come.
        guard error.errno == ErrorNumber.noBuffers else { throw NetlinkError(error, during: request) }
      }
    }
    throw NetlinkError(
      .timedOut, operation: request.operation, reason: "replies to an earlier request kept coming",
      request: request.name)
  }
}
