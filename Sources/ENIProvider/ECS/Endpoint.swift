// SPDX-License-Identifier: Apache-2.0

/// Where an API listens: scheme and host, with a port if it is not the scheme's own.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// `http` or `https`.
  public let scheme: String

  /// The host, and `:port` when it is not the scheme's own: the `Host` header.
  public let host: String

  /// Parses `https://ecs.cn-hangzhou.aliyuncs.com` or `http://127.0.0.1:8080`; nil with a path, a query or a user.
  ///
  /// A trailing `/` is accepted; the default port of the scheme is left out of ``host``.
  public init?(_ text: String) {
    let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "http" || parts[0] == "https" else { return nil }
    let authority = parts[1].hasSuffix("/") ? parts[1].dropLast() : parts[1]
    let isHostByte: (UInt8) -> Bool = { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || [0x2d, 0x2e, 0x3a, 0x5b, 0x5d].contains(byte)
    }
    guard !authority.isEmpty, authority.utf8.allSatisfy(isHostByte) else { return nil }
    scheme = String(parts[0])
    let defaultPort = parts[0] == "http" ? ":80" : ":443"
    host = String(authority.hasSuffix(defaultPort) ? authority.dropLast(defaultPort.count) : authority)
    guard !host.isEmpty else { return nil }
  }

  private init(scheme: String, host: String) {
    self.scheme = scheme
    self.host = host
  }

  /// The public ECS endpoint of a region.
  public static func ecs(_ region: RegionIdentifier) -> Endpoint {
    Endpoint(scheme: "https", host: "ecs.\(region).aliyuncs.com")
  }

  /// The public VPC endpoint of a region.
  public static func vpc(_ region: RegionIdentifier) -> Endpoint {
    Endpoint(scheme: "https", host: "vpc.\(region).aliyuncs.com")
  }

  /// `scheme://host`.
  public var description: String { "\(scheme)://\(host)" }
}
