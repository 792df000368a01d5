// SPDX-License-Identifier: Apache-2.0

extension DatapathObject {
  /// `bpf/sock_lb.bpf.c`: services, translated when a socket connects or sends.
  public static let sockLB = DatapathObject(.sock_lb)
  /// `bpf/sock_peers.bpf.c`: lists what UDP sockets asked for.
  public static let sockPeers = DatapathObject(.sock_peers)
}
