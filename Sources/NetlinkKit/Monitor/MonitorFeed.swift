// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// The two sockets of a monitor: one that hears of changes, and one that lists.
final class MonitorFeed {
  private let events: any MessageTransport
  private let socket: NetlinkSocket
  private let subjects: NetlinkEvent.Subjects
  private let buffer = ReceiveBuffer()
  /// What the next calls return, in reverse, so that taking one is cheap.
  private var pending: [NetlinkEvent] = []
  private var isSynchronised = false

  init(over events: any MessageTransport, listing socket: NetlinkSocket, of subjects: NetlinkEvent.Subjects) {
    self.events = events
    self.socket = socket
    self.subjects = subjects
  }

  convenience init(
    in namespace: NetworkNamespace, of subjects: NetlinkEvent.Subjects, receiveBuffer: Int
  ) async throws(NetlinkError) {
    let socket = try await NetlinkSocket(in: namespace)
    let events = try await NetlinkSocket.transport(in: namespace) { () throws(TransportError) in
      let transport = try KernelTransport(.route, groups: subjects.groups)
      try transport.setReceiveBuffer(receiveBuffer)
      return transport
    }
    self.init(over: events, listing: socket, of: subjects)
  }

  /// The next event; nil when the task was cancelled.
  func next() async throws(NetlinkError) -> NetlinkEvent? {
    while true {
      if Task.isCancelled { return nil }
      if let event = pending.popLast() { return event }
      guard isSynchronised else {
        try await synchronise()
        continue
      }
      switch try receive() {
      case .events: continue
      case .lost: return .resynchronise
      case .nothing: break
      }
      // Nothing happens for as long as it likes.
      let distant = ContinuousClock.now + .seconds(1 << 30)
      if await events.waitUntilReadable(until: distant) == .cancelled { return nil }
    }
  }

  /// Lists everything, and catches up with what happened meanwhile.
  private func synchronise() async throws(NetlinkError) {
    var listed = try await list()
    isSynchronised = true
    while true {
      let more: Received
      more = try receive()
      listed += pending.reversed()
      pending = []
      switch more {
      case .events: continue
      case .nothing: listed.append(.synchronised)
      case .lost: listed.append(.resynchronise)
      }
      break
    }
    pending = listed.reversed()
  }

  private func list() async throws(NetlinkError) -> [NetlinkEvent] {
    var found: [NetlinkEvent] = []
    if subjects.contains(.links) { found += try await socket.links.all().map { .link(.listed, $0) } }
    if subjects.contains(.addresses) { found += try await socket.addresses.all().map { .address(.listed, $0) } }
    if subjects.contains(.routes) { found += try await socket.routes.all().map { .route(.listed, $0) } }
    if subjects.contains(.rules) { found += try await socket.rules.all().map { .rule(.listed, $0) } }
    if subjects.contains(.neighbours) { found += try await socket.neighbours.all().map { .neighbour(.listed, $0) } }
    if subjects.contains(.trafficControl) { found += try await socket.trafficControlEvents() }
    return found
  }

  private enum Received { case events, nothing, lost }

  /// Takes one datagram, if there is one; its events are pending then.
  private func receive() throws(NetlinkError) -> Received {
    let received: ReceivedDatagram?
    do throws(TransportError) {
      received = try buffer.receive(from: events)
    } catch {
      guard error.errno == ErrorNumber.noBuffers else {
        throw NetlinkError(watching: "\(error.call) failed", error.errno)
      }
      isSynchronised = false
      return .lost
    }
    guard let received else { return .nothing }
    // Only the kernel's word counts.
    guard received.sender == 0 else { return .events }
    guard received.length <= ReceiveBuffer.capacity else {
      throw NetlinkError(
        watching: "a notification of \(received.length) bytes exceeds \(ReceiveBuffer.capacity)", nil)
    }
    var found: [NetlinkEvent] = []
    do throws(WireError) {
      try buffer.withBytes(received.length) { bytes throws(WireError) in
        var cursor = MessageCursor()
        while let message = try cursor.next(in: bytes) {
          if let event = try NetlinkEvent(message, in: bytes) { found.append(event) }
        }
      }
    } catch {
      throw NetlinkError(watching: "\(error)", nil)
    }
    pending = found.reversed()
    return .events
  }
}

extension NetlinkError {
  fileprivate init(watching reason: String, _ errno: Int32?) {
    self.init(errno == nil ? .malformedReply : .socket, operation: "watch for changes", reason: reason, errno: errno)
  }
}
