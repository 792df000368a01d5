// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
public import LinuxSystem
internal import NetworkTypes

extension ServiceLoadBalancer {
  /// Ends connected UDP sockets whose endpoint is gone, so that their owners ask again and get another one.
  ///
  /// To be called after an update whose ``ServiceUpdate/goneDatagramBackends`` is not empty. What a socket asked for is
  /// read from the socket itself, so that a socket that talks to an endpoint by its own address is left alone; and a
  /// socket that has connected to something else since, too. Unconnected sockets need nothing: each datagram looks for
  /// an endpoint that is alive. A socket that is ended fails with `ECONNABORTED` in the call that waits, or the next.
  ///
  /// - Parameter namespaces: The network namespaces of the node and its pods.
  /// - Returns: How many sockets were ended.
  /// - Throws: ``ServiceError/Code/notSupported`` where the kernel cannot iterate sockets;
  ///   ``ServiceError/Code/kernelRefused``, after all namespaces were tried.
  /// - Requires: CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON; Linux 6.1 with BTF, `CONFIG_INET_UDP_DIAG` and
  ///   `CONFIG_INET_DIAG_DESTROY`.
  @discardableResult
  public func endStaleDatagramSockets(in namespaces: [NetworkNamespace]) async throws(ServiceError) -> Int {
    let (maps, peers) = (maps, try socketPeers())
    // A connect that had chosen before the update is through by then.
    try? await Task.sleep(for: .milliseconds(5))
    var ended = 0
    var failure: ServiceError?
    for namespace in namespaces {
      do {
        ended += try await namespace.run { try Self.endStaleSockets(peers, maps) }
      } catch {
        failure =
          failure
          ?? ServiceError(
            code: .kernelRefused,
            message: "cannot end the UDP sockets of network namespace \(namespace.identity.inode): \(error)")
      }
    }
    if let failure { throw failure }
    return ended
  }

  /// Ends those of the network namespace that the thread is in.
  private static func endStaleSockets(_ peers: SocketPeers, _ maps: ServiceMaps) throws -> Int {
    var stale: [UInt64: socket_peer] = [:]
    for record in try peers.read() where isStale(record.peer, maps) { stale[record.cookie] = record.peer }
    if stale.isEmpty { return 0 }
    var channel = try SocketDiagnosisChannel()
    var ended = 0
    for family in [AddressFamily.ipv4, .ipv6] {
      for socket in try channel.sockets(family: family.rawValue) {
        // A socket that sends to something else than what it noted has connected again.
        guard let peer = stale[socket.cookie], let remote = socket.remote,
          remote.address == peer.backend_address.address, remote.port.networkOrder == peer.backend_port
        else { continue }
        if try channel.destroy(socket) { ended += 1 }
      }
    }
    return ended
  }

  private static func isStale(_ peer: socket_peer, _ maps: ServiceMaps) -> Bool {
    guard peer.backend > 0, peer.backend < maps.backends.count else { return false }
    let record = maps.backends[peer.backend]
    guard record.epoch == peer.epoch, record.service == peer.service else { return true }
    return record.state != UInt8(BACKEND_ACTIVE) && record.state != UInt8(BACKEND_TERMINATING)
  }
}
