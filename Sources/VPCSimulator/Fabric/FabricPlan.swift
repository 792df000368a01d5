// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// What changes when a port's addresses change.
///
/// Pure.
struct AddressChange: Hashable {
  /// To forward from now on, in the order given.
  var added: [IPv4Address]
  /// To forward no longer.
  var removed: [IPv4Address]

  init(from old: [IPv4Address], to new: [IPv4Address]) {
    var seen = Set(old)
    added = new.filter { seen.insert($0).inserted }
    let kept = Set(new)
    removed = old.filter { !kept.contains($0) }
  }
}

/// The settings of the VPC's namespace and of its ports: what makes a Linux router behave as a VPC does.
enum FabricSettings {
  /// For the namespace, before it has a port.
  static let namespace: [(path: String, value: String)] = [
    ("net/ipv4/ip_forward", "1"),
    // A pod may reach another on its own ENI through the VPC; a VPC sends no redirects.
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
    // Only addresses that belong to a port may be sent from it.
    ("net/ipv4/conf/all/rp_filter", "1"),
    ("net/ipv4/conf/default/rp_filter", "1"),
    ("net/ipv6/conf/all/disable_ipv6", "1"),
    ("net/ipv6/conf/default/disable_ipv6", "1"),
  ]

  /// For one port.
  ///
  /// It answers ARP for every assigned address at once, as a VPC does, and for no other.
  static func port(_ link: InterfaceName) -> [(path: String, value: String)] {
    [
      ("net/ipv4/conf/\(link)/rp_filter", "1"),
      ("net/ipv4/conf/\(link)/proxy_arp", "1"),
      ("net/ipv4/neigh/\(link)/proxy_delay", "0"),
    ]
  }
}
