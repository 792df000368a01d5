// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension LinkSetting where Value == Bool {
  /// Whether IPv4 packets that come in here are forwarded (`forwarding`).
  ///
  /// Writing ``LinkSettingScope/all`` is the same as ``NamespaceSetting/ipForward``: it writes all links, too.
  public static var ipv4Forwarding: Self { Self(.ipv4, "forwarding") }
  /// Whether ARP is answered only where an answer to the sender would leave (`arp_filter`).
  public static var arpFilter: Self { Self(.ipv4, "arp_filter", combination: .greater) }
  /// Whether an address that is added or comes back is announced (`arp_notify`).
  public static var arpNotify: Self { Self(.ipv4, "arp_notify", combination: .greater) }
  /// Whether ARP is answered for addresses that this machine has a route to (`proxy_arp`).
  public static var proxyARP: Self { Self(.ipv4, "proxy_arp", combination: .greater) }
  /// Whether packets that come in with an own address as the source are accepted (`accept_local`).
  public static var acceptLocal: Self { Self(.ipv4, "accept_local", combination: .greater) }
  /// Whether 127.0.0.0/8 may come from and go to outside (`route_localnet`).
  public static var routeLocalnet: Self { Self(.ipv4, "route_localnet", combination: .greater) }
  /// Whether senders are told of better routers (`send_redirects`).
  public static var sendRedirects: Self { Self(.ipv4, "send_redirects", combination: .greater) }
  /// Whether routers are believed that tell of better ones (`accept_redirects`).
  public static var acceptRedirects: Self { Self(.ipv4, "accept_redirects", combination: .bothWhereForwarding) }
  /// Whether packets with impossible addresses are logged (`log_martians`).
  public static var logMartians: Self { Self(.ipv4, "log_martians", combination: .greater) }
  /// Whether ``LinkSetting/reversePathFilter`` looks for the route with the packet's mark (`src_valid_mark`).
  public static var sourceValidMark: Self { Self(.ipv4, "src_valid_mark", combination: .greater) }
}

extension LinkSetting where Value == ReversePathFilter {
  /// Whether packets are dropped because their source lies elsewhere (`rp_filter`).
  ///
  /// The greater of the link's value and that of ``LinkSettingScope/all`` counts, so ``ReversePathFilter/loose`` on a link
  /// overrules ``ReversePathFilter/strict`` for all, and ``ReversePathFilter/off`` overrules nothing:
  /// ``NetworkSettings/effectiveValue(of:on:)``.
  public static var reversePathFilter: Self { Self(.ipv4, "rp_filter", combination: .greater) }
}

extension LinkSetting where Value == ARPIgnore {
  /// Which ARP requests are not answered (`arp_ignore`).
  public static var arpIgnore: Self { Self(.ipv4, "arp_ignore", combination: .greater) }
}

extension LinkSetting where Value == ARPAnnounce {
  /// Which own address ARP requests name as the sender (`arp_announce`).
  public static var arpAnnounce: Self { Self(.ipv4, "arp_announce", combination: .greater) }
}
