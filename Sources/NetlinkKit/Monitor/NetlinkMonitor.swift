// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

/// What is in a network namespace, and what happens to it from then on.
///
/// ```swift
/// for try await event in NetlinkMonitor(in: namespace, of: [.links, .addresses]) {
///   switch event {
///   case .link(.removed, let link): known[link.index] = nil
///   case .link(_, let link): known[link.index] = link
///   case .synchronised: print("\(known.count) links")
///   case .resynchronise: known = [:]
///   default: break
///   }
/// }
/// ```
///
/// A monitor listens before it looks, so it misses nothing. First it says ``NetlinkEvent/Change/listed`` of every object,
/// then it catches up with what happened while it listed, and says ``NetlinkEvent/synchronised``: whoever takes each
/// event as the newest word about its object has the state of the kernel at that moment. From then on it reports changes
/// as they come. When they come faster than they are taken and the kernel has to drop some, it says
/// ``NetlinkEvent/resynchronise`` and begins again.
///
/// The sequence ends when the task is cancelled. Each iterator opens two sockets with its first event and closes them
/// with its last.
///
/// - Requires: `CAP_SYS_ADMIN` to enter another namespace; nothing to watch. Linux 6.1.
public struct NetlinkMonitor: AsyncSequence, Sendable {
  /// What the sequence consists of.
  public typealias Element = NetlinkEvent
  /// What may go wrong.
  public typealias Failure = NetlinkError

  private enum Source: Sendable {
    case namespace(NetworkNamespace, receiveBuffer: Int)
    case standIn(@Sendable () -> (events: any MessageTransport, listing: NetlinkSocket))
  }

  private let source: Source
  private let subjects: NetlinkEvent.Subjects

  /// Describes what to watch.
  ///
  /// - Parameters:
  ///   - namespace: where.
  ///   - subjects: which objects.
  ///   - receiveBuffer: how many bytes of events the kernel keeps for us until we take them, 4 MiB by default. Without
  ///     `CAP_NET_ADMIN` the system's limit applies (`net.core.rmem_max`).
  public init(in namespace: NetworkNamespace, of subjects: NetlinkEvent.Subjects = .all, receiveBuffer: Int = 4 << 20) {
    source = .namespace(namespace, receiveBuffer: receiveBuffer)
    self.subjects = subjects
  }

  /// Describes what to watch of a stand-in for the kernel, which `open` opens for each iterator.
  package init(
    of subjects: NetlinkEvent.Subjects,
    over open: @escaping @Sendable () -> (events: any MessageTransport, listing: NetlinkSocket)
  ) {
    source = .standIn(open)
    self.subjects = subjects
  }

  /// An iterator with sockets of its own.
  public func makeAsyncIterator() -> Iterator {
    let (source, subjects) = (source, subjects)
    return Iterator { () async throws(NetlinkError) in
      switch source {
      case .namespace(let namespace, let receiveBuffer):
        return try await MonitorFeed(in: namespace, of: subjects, receiveBuffer: receiveBuffer)
      case .standIn(let open):
        let (events, listing) = open()
        return MonitorFeed(over: events, listing: listing, of: subjects)
      }
    }
  }
}

extension NetlinkMonitor {
  /// Takes one event after the other.
  public struct Iterator: AsyncIteratorProtocol {
    private enum Phase {
      case closed(() async throws(NetlinkError) -> MonitorFeed)
      case open(MonitorFeed)
      case ended
    }

    private var phase: Phase

    init(_ open: @escaping () async throws(NetlinkError) -> MonitorFeed) { phase = .closed(open) }

    /// The next event; nil when the task was cancelled.
    ///
    /// - Throws: ``NetlinkError`` with code `socket`, or as a listing does, or `malformedReply` for a notification that
    ///   this module cannot read. The sequence is over then; a new iterator begins with a listing.
    public mutating func next() async throws(NetlinkError) -> NetlinkEvent? {
      do throws(NetlinkError) {
        let feed: MonitorFeed
        switch phase {
        case .closed(let open):
          feed = try await open()
          phase = .open(feed)
        case .open(let open): feed = open
        case .ended: return nil
        }
        let event = try await feed.next()
        if event == nil { phase = .ended }
        return event
      } catch {
        phase = .ended
        if error.code == .cancelled { return nil }
        throw error
      }
    }
  }
}
