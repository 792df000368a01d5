// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// How a link makes its link-local IPv6 address, and those from router advertisements (`IN6_ADDR_GEN_MODE_...`).
public struct IPv6AddressGeneration: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a way from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// From its link-layer address.
  public static let eui64 = IPv6AddressGeneration(rawValue: 0)
  /// Not at all: no link-local address by itself (`none`).
  public static let off = IPv6AddressGeneration(rawValue: 1)
  /// From a secret that was set (`stable_secret`), the same each time in one network (RFC 7217).
  public static let stablePrivacy = IPv6AddressGeneration(rawValue: 2)
  /// From a secret that the kernel makes up.
  public static let random = IPv6AddressGeneration(rawValue: 3)

  /// The way in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "eui64"
    case 1: "none"
    case 2: "stable_secret"
    case 3: "random"
    default: "\(rawValue)"
    }
  }

  /// Writes `IFLA_AF_SPEC`, with this alone in it.
  func encode(into writer: MessageWriter) {
    writer.nested(Int(IFLA_AF_SPEC)) { writer in
      writer.nested(Int(AddressFamily.ipv6.rawValue)) { $0.put(Int(IFLA_INET6_ADDR_GEN_MODE), rawValue) }
    }
  }
}

extension Link {
  /// How it makes its IPv6 addresses; nil when it has no IPv6.
  ///
  /// It is looked up in ``otherAttributes`` each time (`IFLA_AF_SPEC`).
  public var ipv6AddressGeneration: IPv6AddressGeneration? {
    guard let families = otherAttributes[UInt16(IFLA_AF_SPEC)].first else { return nil }
    let span = unsafe families.span.bytes
    var outer = AttributeCursor(0..<families.count)
    while let family = try? outer.next(in: span) {
      guard family.type == UInt16(AddressFamily.ipv6.rawValue) else { continue }
      var inner = AttributeCursor(family.payload)
      while let attribute = try? inner.next(in: span) {
        guard attribute.kind == Int(IFLA_INET6_ADDR_GEN_MODE) else { continue }
        return (try? span.value(attribute)).map(IPv6AddressGeneration.init(rawValue:))
      }
    }
    return nil
  }
}
