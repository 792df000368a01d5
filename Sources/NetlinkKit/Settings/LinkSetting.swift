// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A setting that each link has for itself, below `/proc/sys/net/ipv4/conf` or `/proc/sys/net/ipv6/conf`.
///
/// Values of your own are made with ``init(_:_:combination:)``.
public struct LinkSetting<Value: SettingValue>: Sendable, Hashable {
  /// How the value that counts comes about.
  public enum Combination: Sendable, Hashable {
    /// The link's own value counts.
    case link
    /// The greater of the link's own value and that of ``LinkSettingScope/all`` counts: for a switch, either.
    case greater
    /// Where packets are forwarded both must be on, elsewhere either (`accept_redirects` of IPv4).
    case bothWhereForwarding
  }

  /// IPv4 or IPv6.
  public let family: AddressFamily
  /// The name of the file, such as `rp_filter`.
  public let name: String
  /// How the value that counts comes about.
  public let combination: Combination

  /// Describes a setting.
  ///
  /// - Parameters:
  ///   - family: IPv4 or IPv6.
  ///   - name: the name of the file.
  ///   - combination: how the value that counts comes about.
  public init(_ family: AddressFamily, _ name: String, combination: Combination = .link) {
    self.family = family
    self.name = name
    self.combination = combination
  }

  /// The file, relative to `/proc/sys`.
  func path(_ scope: LinkSettingScope) -> String { "net/\(family)/conf/\(scope.folder)/\(name)" }
}

/// Whose value of a ``LinkSetting`` is meant.
public enum LinkSettingScope: Sendable, Hashable {
  /// One link's.
  ///
  /// The kernel uses the names `all` and `default` for the other two, so a link of that name has no settings and is
  /// refused here.
  case link(InterfaceName)
  /// The namespace's, which counts together with the link's as ``LinkSetting/combination-swift.property`` says.
  ///
  /// Writing ``LinkSetting/ipv4Forwarding``, ``LinkSetting/ipv6Forwarding``, ``LinkSetting/disableIPv6`` or
  /// ``LinkSetting/ipv6AddressGeneration`` here writes all links and ``default`` as well.
  case all
  /// What links that are made from now on begin with.
  case `default`

  /// The folder's name.
  var folder: String {
    switch self {
    case .link(let name): name.rawValue
    case .all: "all"
    case .default: "default"
    }
  }

  /// Why it can't be meant; nil when it can.
  var objection: String? {
    guard case .link(let name) = self, name == "all" || name == "default" else { return nil }
    return "a link with the name \"\(name)\" has no settings; rename it, or use .\(name) for the namespace's"
  }
}

extension LinkSettingScope: CustomStringConvertible {
  /// `link "eth0"`, `all links` or `new links`.
  public var description: String {
    switch self {
    case .link(let name): "link \"\(name)\""
    case .all: "all links"
    case .default: "new links"
    }
  }
}
