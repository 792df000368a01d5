// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension ServiceTable {
  /// The addresses that only services have: cluster IPs, external ones and load balancers'.
  ///
  /// What nobody serves there can be refused, or answered, by the programs for clients outside
  /// (`NodeDatapath.setServiceAddresses(_:)`). Addresses at which node ports or host ports are served are the node's own, and
  /// are left out; so have to be others of the node's that an external IP names.
  public var serviceAddresses: Set<IPAddress> {
    var served: Set<IPAddress> = []
    var own = Set(nodeAddresses)
    for frontend in entries.lazy.flatMap(\.frontends) {
      switch frontend.kind {
      case .clusterIP, .externalIP, .loadBalancer: served.insert(frontend.address)
      case .hostPort: own.insert(frontend.address)
      case .nodePort: break
      }
    }
    return served.subtracting(own)
  }
}
