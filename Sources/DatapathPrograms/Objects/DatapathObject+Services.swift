// SPDX-License-Identifier: Apache-2.0

extension DatapathObject {
  /// `bpf/sock_lb.bpf.c`: services, translated when a socket connects or sends.
  public static let sockLB = DatapathObject(.sock_lb)
  /// `bpf/node_lb.bpf.c`: services for clients outside, at a device of the node.
  public static let nodeLB = DatapathObject(.node_lb)
  /// `bpf/node_xdp.bpf.c`: further packets of what ``nodeLB`` translates, in the driver.
  public static let nodeXDP = DatapathObject(.node_xdp)
  /// `bpf/sock_peers.bpf.c`: lists what UDP sockets asked for.
  public static let sockPeers = DatapathObject(.sock_peers)
}
