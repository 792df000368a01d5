// SPDX-License-Identifier: Apache-2.0

internal import NetlinkKit
internal import Synchronization

/// What the sockets of a fake kernel share.
final class FakeCore: Sendable {
  struct State: Sendable {
    var kernel: KernelState
    var faults: [PlannedFault] = []
    var script: (@Sendable (_ datagram: [UInt8], _ number: Int) -> [FakeKernel.Arrival]?)?
    var requests: [FakeKernel.Request] = []
    var datagrams: [[UInt8]] = []
    /// How many datagrams a script was asked about.
    var sent = 0
    /// Where answers go, by port.
    var mailboxes: [UInt32: Mailbox] = [:]
    /// Who watches what.
    var watchers: [UInt32: NetlinkEvent.Subjects] = [:]
    var ports = FakeKernel.port
  }

  private let state: Mutex<State>

  init(_ kernel: KernelState) { state = Mutex(State(kernel: kernel)) }

  func withState<Result: Sendable>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }

  func nextPort() -> UInt32 {
    withState {
      $0.ports += 1
      return $0.ports
    }
  }

  /// Takes what a socket sends.
  func receive(_ datagram: [UInt8], from port: UInt32) {
    let (script, number) = withState { state in
      state.sent += 1
      return (state.script, state.sent)
    }
    // Without the lock: the script may look at the kernel.
    let byHand = script?(datagram, number)
    withState { state in
      state.datagrams.append(datagram)
      let messages = WireMessage.all(in: datagram)
      state.requests += messages.map { FakeKernel.Request($0) }
      let deliveries = byHand.map { $0.map { Mailbox.Item($0) } } ?? messages.flatMap { state.answer($0, port: port) }
      // With the lock: whoever sees the request in the log finds its answer delivered, and news come in order.
      state.mailboxes[port]?.deliver(deliveries)
      state.tellWatchers()
    }
  }
}

extension FakeCore.State {
  fileprivate mutating func tellWatchers() {
    guard !kernel.news.isEmpty else { return }
    for (port, subjects) in watchers {
      mailboxes[port]?.deliver(
        kernel.news.filter { subjects.contains($0.kind.subject) }.map { Mailbox.Item(.datagram($0.bytes)) })
    }
    kernel.news = []
  }

  /// What a socket finds after it sent `request`.
  mutating func answer(_ request: WireMessage, port: UInt32) -> [Mailbox.Item] {
    // Each counts for itself; of two that strike at once the older one does.
    let striking = faults.indices.filter { faults[$0].strikes(request.kind) }
    let effect = striking.first.map { faults[$0].fault.effect }
    faults.removeAll { $0.remaining == 0 }
    switch effect {
    case .refusal(let refusal)?: return [Mailbox.Item(.datagram(request.answer(refusal, port: port).bytes))]
    case .scripted(let arrivals)?: return arrivals.map { Mailbox.Item($0) }
    default: break
    }
    let messages = carryOut(request, port: port)
    let datagrams = FakeCore.State.packed(messages)
    switch effect {
    case .silence?: return []
    case .interrupted?:
      return FakeCore.State.packed(
        messages.map { message in
          var flagged = message
          if flagged.flags & Flag.multipart != 0 { flagged.flags |= Flag.dumpInterrupted }
          return flagged
        }
      ).map { Mailbox.Item(.datagram($0)) }
    case .overrun?: return [Mailbox.Item(.failure(.noBuffers))]
    case .truncated(let length)?:
      guard let first = datagrams.first else { return [] }
      return [Mailbox.Item(.datagram(Array(first.prefix(length))))]
    case .malformed?:
      guard var first = datagrams.first else { return [] }
      first.set(UInt32(0), at: 0)
      return [Mailbox.Item(.datagram(first))]
    case .foreign(let sender, let sequence, let receiver)?:
      let foreign = messages.map { message in
        var foreign = message
        foreign.sequence &+= sequence
        foreign.port &+= receiver
        return foreign
      }
      let forged = FakeCore.State.packed(foreign).map { Mailbox.Item(.datagram($0, sender: sender)) }
      return sender == 0 ? forged : forged + datagrams.map { Mailbox.Item(.datagram($0)) }
    case .delay(let duration)?: return datagrams.map { Mailbox.Item(.datagram($0), after: duration) }
    default: return datagrams.map { Mailbox.Item(.datagram($0)) }
    }
  }

  private mutating func carryOut(_ request: WireMessage, port: UInt32) -> [WireMessage] {
    let isDump = request.kind.isQuestion && request.has(Flag.dump)
    do throws(Refusal) {
      var objects = try kernel.answer(request)
      for place in objects.indices {
        objects[place].sequence = request.sequence
        objects[place].port = port
        if isDump { objects[place].flags |= Flag.multipart }
      }
      if isDump {
        let end = WireMessage(
          kind: .done, flags: Flag.multipart, sequence: request.sequence, port: port, body: Array(host: Int32(0)))
        return objects + [end]
      }
      return request.has(Flag.acknowledge) ? objects + [request.answer(nil, port: port)] : objects
    } catch {
      return [request.answer(error, port: port)]
    }
  }

  /// Datagrams as the kernel makes them: the objects of a listing together up to a limit, everything else by itself.
  private static func packed(_ messages: [WireMessage]) -> [[UInt8]] {
    var datagrams: [[UInt8]] = []
    var isOpen = false
    for message in messages {
      let bytes = message.bytes
      let isPart = message.flags & Flag.multipart != 0 && message.kind != .done && message.kind != .error
      if isPart, isOpen, let last = datagrams.indices.last, datagrams[last].count + bytes.count <= 8192 {
        datagrams[last] += bytes
      } else {
        datagrams.append(bytes)
      }
      isOpen = isPart
    }
    return datagrams
  }
}

extension FakeKernel.RequestKind {
  /// Whether it asks, and so may ask for a listing: of four types in a row the third.
  var isQuestion: Bool { rawValue >= 16 && rawValue % 4 == 2 }

  /// What news of this type are about.
  var subject: NetlinkEvent.Subjects {
    switch self {
    case .newLink, .removeLink: .links
    case .newAddress, .removeAddress: .addresses
    case .newRoute, .removeRoute: .routes
    case .newRule, .removeRule: .rules
    case .newNeighbour, .removeNeighbour: .neighbours
    default: .trafficControl
    }
  }
}
