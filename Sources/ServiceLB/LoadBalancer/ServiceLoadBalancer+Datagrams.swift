// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
public import LinuxSystem
internal import NetworkTypes
internal import SystemPackage

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
  /// - Throws: ``ServiceError/Code/notSupported`` where the kernel lists UDP sockets without their socket storage, so that
  ///   it cannot be known what they asked for: Linux 6.18 is such a kernel. ``ServiceError/Code/kernelRefused``, after all
  ///   namespaces were tried.
  /// - Requires: CAP_NET_ADMIN and CAP_BPF; Linux 6.1 with `CONFIG_INET_UDP_DIAG` and `CONFIG_INET_DIAG_DESTROY`.
  @discardableResult
  public func endStaleDatagramSockets(in namespaces: [NetworkNamespace]) async throws(ServiceError) -> Int {
    try await requireStorages()
    // A connect that had chosen before the update is through by then.
    try? await Task.sleep(for: .milliseconds(5))
    var ended = 0
    var failure: ServiceError?
    for namespace in namespaces {
      do {
        let maps = maps
        ended += try await namespace.run { try Self.endStaleSockets(maps) }
      } catch {
        failure =
          failure
          ?? ServiceError(
            code: .kernelRefused,
            message: "cannot end the UDP sockets of network namespace \(namespace.identity): \(error)")
      }
    }
    if let failure { throw failure }
    return ended
  }

  /// Finds out by trying whether a list of UDP sockets has what their storage holds.
  private func requireStorages() async throws(ServiceError) {
    let maps = maps
    let isSupported: Bool
    do {
      isSupported = try await NetworkNamespace.current().run {
        let sample = try SampleSocket()
        let cookie = try sample.connect { descriptor in
          try maps.socketPeers.updateValue(socket_peer(), forSocket: FileDescriptor(rawValue: descriptor))
        }
        var channel = try SocketDiagnosisChannel()
        let descriptor = maps.socketPeers.withHandle { $0.descriptor.rawValue }
        let family = AddressFamily.ipv4.rawValue
        return try channel.sockets(family: family, storage: descriptor).contains {
          $0.storage != nil && $0.remote?.port.rawValue == cookie
        }
      }
    } catch {
      throw ServiceError(code: .kernelRefused, message: "cannot list UDP sockets: \(error)")
    }
    guard isSupported else {
      throw ServiceError(
        code: .notSupported,
        message: """
          cannot end stale UDP sockets: this kernel lists UDP sockets without their BPF socket storage, so that it is not \
          known which of them asked for a service
          """)
    }
  }

  /// Ends those of the network namespace that the thread is in.
  private static func endStaleSockets(_ maps: ServiceMaps) throws -> Int {
    var channel = try SocketDiagnosisChannel()
    let descriptor = maps.socketPeers.withHandle { $0.descriptor.rawValue }
    var ended = 0
    for family in [AddressFamily.ipv4, .ipv6] {
      for socket in try channel.sockets(family: family.rawValue, storage: descriptor) {
        guard let storage = socket.storage, let peer = peer(storage), isStale(peer, of: socket, maps) else { continue }
        if try channel.destroy(socket) { ended += 1 }
      }
    }
    return ended
  }

  private static func peer(_ storage: [UInt8]) -> socket_peer? {
    guard storage.count >= MemoryLayout<socket_peer>.size else { return nil }
    return unsafe storage.withUnsafeBytes { unsafe $0.loadUnaligned(as: socket_peer.self) }
  }

  private static func isStale(_ peer: socket_peer, of socket: SocketDiagnosis.Socket, _ maps: ServiceMaps) -> Bool {
    // A socket that talks to something else than what it noted is none of ours.
    guard let remote = socket.remote, remote.address == peer.backend_address.address,
      remote.port.networkOrder == peer.backend_port, peer.backend < maps.backends.count
    else { return false }
    let record = maps.backends[peer.backend]
    guard record.epoch == peer.epoch, record.service == peer.service else { return true }
    return record.state != UInt8(BACKEND_ACTIVE) && record.state != UInt8(BACKEND_TERMINATING)
  }
}
