// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension EndpointSlice {
  /// What the API server refuses as an endpoint's addresses.
  ///
  /// Loopback and link-local ones above all: a slice that may be written by tenants must not lead to a node's own
  /// services, nor to the cloud's metadata.
  func addressErrors(_ addresses: [String], at path: FieldPath) -> [ValidationError] {
    if addresses.isEmpty { return [ValidationError(path, "must have at least one address")] }
    if addresses.count > 100 {
      return [ValidationError(path, "has \(addresses.count) entries, more than 100")]
    }
    return addresses.enumerated().flatMap { index, text in addressErrors(text, at: path.item(index)) }
  }

  private func addressErrors(_ text: String, at path: FieldPath) -> [ValidationError] {
    switch addressType {
    case .fqdn: return subdomainErrors(text, at: path)
    case .ipv4:
      guard let address = IPv4Address(text) else { break }
      return reservedErrors(text, IPv4Address.reserved(address), at: path)
    case .ipv6:
      guard let address = IPv6Address(text), !address.isMapped else { break }
      return reservedErrors(text, IPv6Address.reserved(address), at: path)
    }
    return [ValidationError(path, "\"\(shortened(text))\" is not an \(addressType.rawValue) address")]
  }

  private func reservedErrors(_ text: String, _ kind: String?, at path: FieldPath) -> [ValidationError] {
    kind.map { [ValidationError(path, "\"\(text)\" is \($0) address, which no endpoint may have")] } ?? []
  }
}

/// What the API server would refuse as an address of either family; mapped ones it takes, but readers disagree on them.
func addressErrors(_ text: String, at path: FieldPath) -> [ValidationError] {
  switch IPAddress(text) {
  case .v4?: []
  case .v6(let address)?:
    address.isMapped ? [ValidationError(path, "\"\(shortened(text))\" is an IPv4 address in IPv6 notation")] : []
  case nil: [ValidationError(path, "\"\(shortened(text))\" is not an IP address")]
  }
}

/// What the API server would refuse as an external IP of a Service.
func externalAddressErrors(_ text: String, at path: FieldPath) -> [ValidationError] {
  let errors = addressErrors(text, at: path)
  if !errors.isEmpty { return errors }
  let kind: String? =
    switch IPAddress(text) {
    case .v4(let address)?: IPv4Address.reserved(address)
    case .v6(let address)?: IPv6Address.reserved(address)
    case nil: nil
    }
  return kind.map { [ValidationError(path, "\"\(text)\" is \($0) address, which no external IP may be")] } ?? []
}

extension IPv6Address {
  /// Whether it is an IPv4 address in IPv6 notation, `::ffff:10.0.0.1`.
  var isMapped: Bool { high == 0 && low >> 32 == 0xFFFF }
}

extension IPv4Address {
  fileprivate static func reserved(_ address: IPv4Address) -> String? {
    switch address.rawValue {
    case 0: "the unspecified"
    case 0x7F00_0000...0x7FFF_FFFF: "a loopback"
    case 0xA9FE_0000...0xA9FE_FFFF: "a link-local"
    case 0xE000_0000...0xE000_00FF: "a link-local multicast"
    default: nil
    }
  }
}

extension IPv6Address {
  fileprivate static func reserved(_ address: IPv6Address) -> String? {
    switch (address.high, address.low) {
    case (0, 0): "the unspecified"
    case (0, 1): "a loopback"
    case (0xFE80_0000_0000_0000...0xFEBF_FFFF_FFFF_FFFF, _): "a link-local"
    case (let high, _) where high >> 48 & 0xFF0F == 0xFF02: "a link-local multicast"
    default: nil
    }
  }
}
