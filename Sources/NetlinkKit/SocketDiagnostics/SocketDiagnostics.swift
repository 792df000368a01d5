// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
internal import NetworkTypes

/// A connection to what the kernel knows of the sockets in one network namespace (`NETLINK_SOCK_DIAG`).
///
/// It lists sockets of all processes, and destroys them: what a service proxy must do when an endpoint goes away, for
/// a connected UDP socket would send there for ever.
///
/// ```swift
/// let diagnostics = try await SocketDiagnostics(in: pod)
/// let gone = [SocketEndpointMatch(IPCIDR(host: endpoint), port: 53)]
/// let outcome = try await diagnostics.destroy(SocketMatch(.udp, states: .connected, destinations: gone))
/// print(outcome.destroyed)
/// ```
///
/// It is used like a ``NetlinkSocket``: from any task, one request at a time, in the namespace it was opened in.
///
/// - Requires: nothing to list; `CAP_NET_ADMIN` in the namespace to destroy, and to see and match marks. Linux 6.1 or
///   newer.
public final class SocketDiagnostics: Sendable {
  let socket: NetlinkSocket

  /// Opens a socket in `namespace`.
  ///
  /// - Parameters:
  ///   - namespace: whose sockets to list. The caller may drop it afterwards.
  ///   - timeout: how long one request may take.
  /// - Throws: ``NetlinkError`` with code `socket` when the namespace cannot be entered or the socket not be opened.
  public convenience init(
    in namespace: NetworkNamespace, timeout: Duration = .seconds(60)
  ) async throws(NetlinkError) {
    self.init(over: try await NetlinkSocket(.socketDiagnostics, in: namespace, timeout: timeout))
  }

  init(over socket: NetlinkSocket) { self.socket = socket }

  /// The sockets that fit.
  ///
  /// Sockets come and go while they are listed: one that is there all the time is listed, another one may be.
  ///
  /// - Parameters:
  ///   - match: which ones.
  ///   - details: what to be told beyond what is always said.
  /// - Returns: The sockets, those made for IPv4 first.
  /// - Throws: ``NetlinkError`` with code `notSupported` when the kernel does not list sockets of the protocol,
  ///   `permissionDenied` when marks are to be matched without `CAP_NET_ADMIN`. `SOCK_DIAG_BY_FAMILY`.
  public func sockets(
    _ match: SocketMatch, details: SocketDetails = []
  ) async throws(NetlinkError) -> [InternetSocket] {
    if match.isHopeless { return [] }
    var sockets: [InternetSocket] = []
    for family in match.families {
      sockets += try await socket.dump(ListSockets(match: match, family: family, details: details))
    }
    return sockets
  }

  /// Destroys the sockets that fit: their owners see `ECONNABORTED`, at once when they wait.
  ///
  /// The sockets are listed, and each is then destroyed by its cookie, so that a new one with the same addresses and
  /// ports is never hit. A connected UDP socket lives on without a peer: sending says `EDESTADDRREQ`, receiving
  /// `ECONNABORTED` once. A TCP peer gets a reset.
  ///
  /// The kernel looks for a socket by its addresses and ports and compares the cookie only then. Of several that have
  /// them in common (`SO_REUSEPORT`) it finds one, so the others are tried again when that is gone.
  ///
  /// - Parameter match: which ones. It must say more than a protocol, a family and states, and no end may be
  ///   ``SocketEndpointMatch/any``.
  /// - Returns: What became of each. A socket that is gone already is not an error.
  /// - Throws: ``NetlinkError`` with code `invalidArgument` when `match` means all sockets, `notSupported` when the kernel
  ///   was built without `CONFIG_INET_DIAG_DESTROY` or does not list sockets of the protocol, `permissionDenied`. Only
  ///   before a socket was destroyed; later failures are in the result.
  /// - Requires: `CAP_NET_ADMIN`. Linux 4.9, with `CONFIG_INET_DIAG_DESTROY`: `KernelFeature.socketDestroy`.
  ///   `SOCK_DESTROY`.
  public func destroy(_ match: SocketMatch) async throws(NetlinkError) -> SocketDestruction {
    guard match.isSpecific else {
      throw NetlinkError(
        .invalidArgument, operation: "destroy \(match)",
        reason: "that is all of them; say which, with destinations [.init(0.0.0.0/0), .init(::/0)] if you mean it")
    }
    var outcome = SocketDestruction()
    var pending = try await sockets(match)
    while !pending.isEmpty {
      let results = await socket.performAll(pending.map(DestroySocket.init))
      var missed: [SocketDestruction.Failure] = []
      let count = outcome.destroyed.count
      for (socket, result) in zip(pending, results) {
        switch result {
        case .success: outcome.destroyed.append(socket)
        case .failure(let error) where error.code == .notFound: missed.append(.init(socket: socket, error: error))
        case .failure(let error): outcome.failures.append(.init(socket: socket, error: error))
        }
      }
      if let failure = outcome.failures.first, outcome.destroyed.isEmpty { throw failure.error }
      if missed.isEmpty { break }
      // Those that are there still were hidden by others with the same addresses and ports.
      let left = try await remaining(missed, of: match, hasDestroyed: !outcome.destroyed.isEmpty)
      guard outcome.destroyed.count > count else {
        outcome.failures += left
        break
      }
      pending = left.map(\.socket)
    }
    return outcome
  }

  /// Destroys one socket that was listed.
  ///
  /// - Returns: Whether it was there still; another one with the same addresses and ports is left alone.
  /// - Throws: ``NetlinkError`` with code `notSupported`, `permissionDenied`; an absent socket is not an error.
  /// - Requires: `CAP_NET_ADMIN`. Linux 4.9, with `CONFIG_INET_DIAG_DESTROY`. `SOCK_DESTROY`.
  @discardableResult
  public func destroy(_ socket: InternetSocket) async throws(NetlinkError) -> Bool {
    do throws(NetlinkError) {
      try await self.socket.acknowledge(DestroySocket(socket: socket))
      return true
    } catch  where error.code == .notFound {
      return false
    }
  }

  /// Those of `missed` that are there still and fit still.
  ///
  /// When they cannot be listed, all of them: an error that comes after sockets were destroyed must not hide those.
  private func remaining(
    _ missed: [SocketDestruction.Failure], of match: SocketMatch, hasDestroyed: Bool
  ) async throws(NetlinkError) -> [SocketDestruction.Failure] {
    do throws(NetlinkError) {
      let there = Set(try await sockets(match).map(\.cookie))
      return missed.filter { there.contains($0.socket.cookie) }
    } catch {
      guard hasDestroyed else { throw error }
      return missed
    }
  }
}

extension SocketMatch {
  /// The families to list.
  fileprivate var families: [AddressFamily] { family.map { [$0] } ?? AddressFamily.allCases }
}

extension KernelFeature {
  /// Destroying sockets of other processes (`CONFIG_INET_DIAG_DESTROY`), for TCP and UDP.
  ///
  /// Found out by trying, on sockets that do not exist.
  public static let socketDestroy = KernelFeature("socket destruction", minimumKernel: KernelVersion(4, 9)) {
    do {
      let diagnostics = try await SocketDiagnostics(in: try NetworkNamespace.current())
      for `protocol` in [SocketProtocol.tcp, .udp] {
        // An absent socket and an absent module are the same error, so the module must show itself first.
        _ = try await diagnostics.sockets(SocketMatch(`protocol`, family: .ipv4, cookie: 0))
        _ = try await diagnostics.destroy(.absent(`protocol`))
      }
      return .available
    } catch {
      return .missing(reason: "\(error)")
    }
  }
}

extension InternetSocket {
  /// No socket: one from and to port 0 of no address, with a cookie that none has.
  fileprivate static func absent(_ protocol: SocketProtocol) -> InternetSocket {
    let nowhere = SocketEndpoint(address: .v4(IPv4Address(rawValue: 0xffff_ffff)), port: 0)
    return InternetSocket(
      protocol: `protocol`, family: .ipv4, state: .established, source: nowhere, destination: nowhere,
      cookie: UInt64.max - 1, timer: SocketTimer(kind: .off, milliseconds: 0, retransmissions: 0), receiveQueue: 0,
      sendQueue: 0, userID: 0, inode: 0)
  }
}
