// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension LinkSetting where Value == Bool {
  /// Whether this machine is a router for the link, IPv6 (`forwarding`).
  ///
  /// Whether packets are forwarded is decided by ``LinkSettingScope/all`` alone, and writing that writes all links.
  public static var ipv6Forwarding: Self { Self(.ipv6, "forwarding") }
  /// Whether neighbours are answered for addresses that are listed as proxies, where packets are forwarded
  /// (`proxy_ndp`).
  public static var proxyNDP: Self { Self(.ipv6, "proxy_ndp", combination: .greater) }
  /// Whether there is no IPv6 on the link (`disable_ipv6`): its addresses go, and none can be added.
  ///
  /// Writing ``LinkSettingScope/all`` writes all links.
  public static var disableIPv6: Self { Self(.ipv6, "disable_ipv6") }
  /// Whether routers are believed that tell of better ones, IPv6 (`accept_redirects`).
  public static var ipv6AcceptRedirects: Self { Self(.ipv6, "accept_redirects") }
  /// Whether addresses are made from router advertisements (`autoconf`).
  public static var autoconf: Self { Self(.ipv6, "autoconf") }
}

extension LinkSetting where Value == RouterAdvertisements {
  /// Whether router advertisements are believed (`accept_ra`).
  public static var acceptRouterAdvertisements: Self { Self(.ipv6, "accept_ra") }
}

extension LinkSetting where Value == DuplicateAddressDetection {
  /// Whether addresses are tried out before they are used (`accept_dad`).
  public static var duplicateAddressDetection: Self { Self(.ipv6, "accept_dad", combination: .greater) }
}

extension LinkSetting where Value == IPv6AddressGeneration {
  /// How addresses are made from router advertisements, and the link-local one (`addr_gen_mode`).
  ///
  /// Writing ``LinkSettingScope/all`` writes all links. ``LinkChanges/ipv6AddressGeneration`` sets the same over netlink.
  public static var ipv6AddressGeneration: Self { Self(.ipv6, "addr_gen_mode") }
}

extension LinkSetting where Value == AddressKeeping {
  /// Whether addresses stay when the link goes down (`keep_addr_on_down`); link-local ones never do.
  public static var keepAddressesOnDown: Self { Self(.ipv6, "keep_addr_on_down") }
}
