// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

/// Lists what UDP sockets asked for: the socket storage of each, with the socket's cookie.
///
/// The kernel's own list of UDP sockets (`NETLINK_SOCK_DIAG`) does not carry it. C: `bpf/sock_peers.bpf.c`.
public final class SocketPeers: Sendable {
  private let program: BPFProgram

  /// Loads the program.
  ///
  /// - Parameter maps: Whose socket storage it reads.
  /// - Throws: `verifierRejected`, or `notSupported`, on a kernel without BTF; `permissionDenied`.
  /// - Requires: CAP_BPF and CAP_PERFMON, Linux 5.9 with BTF.
  public init(of maps: ServiceMaps) throws(BPFError) {
    var object = try BPFObject(DatapathObject.sockPeers.embedded)
    try maps.lend(to: &object)
    program = try object.load().program("list_peers")
  }

  /// Reads the sockets of the network namespace that the calling thread is in.
  ///
  /// - Returns: One for each socket that has asked for a service, be it connected or not.
  /// - Throws: `permissionDenied`; `systemCall`.
  public func read() throws(BPFError) -> [socket_peer_record] {
    let bytes = try program.iterate()
    let size = MemoryLayout<socket_peer_record>.stride
    return unsafe bytes.withUnsafeBytes { bytes in
      (0..<(bytes.count / size)).map { index in
        unsafe bytes.loadUnaligned(fromByteOffset: index * size, as: socket_peer_record.self)
      }
    }
  }
}
