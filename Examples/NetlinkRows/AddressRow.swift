// SPDX-License-Identifier: Apache-2.0

package import NetlinkKit
internal import NetworkTypes

/// An address, as `ip -j addr` names the fields of `addr_info`, with the link's name.
package struct AddressRow: Row {
  let dev: String
  let family: String
  let local: String
  let address: String?
  let prefixlen: Int
  let broadcast: String?
  let scope: String
  let label: String?
  let secondary: Bool?
  let tentative: Bool?
  let nodad: Bool?
  let noprefixroute: Bool?
  let optimistic: Bool?
  let dadfailed: Bool?
  let home: Bool?
  let deprecated: Bool?
  let dynamic: Bool?
  let mngtmpaddr: Bool?
  let autojoin: Bool?
  let metric: UInt32?
  let validLifeTime: UInt32
  let preferredLifeTime: UInt32

  /// Describes an address.
  package init(_ address: InterfaceAddress, _ names: LinkNames) {
    func flag(_ flag: AddressFlags) -> Bool? { address.flags.contains(flag) ? true : nil }
    dev = names[address.index]
    family = address.address.family == .ipv4 ? "inet" : "inet6"
    local = address.address.description
    self.address = address.peer?.description
    prefixlen = address.prefixLength
    broadcast = address.broadcast?.description
    scope = address.scope.description
    label = address.label
    // The same bit says "secondary" of IPv4 and "temporary" of IPv6.
    secondary = family == "inet" ? flag(.secondary) : nil
    tentative = flag(.tentative)
    nodad = flag(.noDAD)
    noprefixroute = flag(.noPrefixRoute)
    optimistic = flag(.optimistic)
    dadfailed = flag(.duplicate)
    home = flag(.homeAddress)
    deprecated = flag(.deprecated)
    dynamic = address.flags.contains(.permanent) ? nil : true
    mngtmpaddr = flag(.managesTemporary)
    autojoin = flag(.joinsMulticast)
    metric = address.priority
    validLifeTime = address.lifetime.valid ?? .max
    preferredLifeTime = address.lifetime.preferred ?? .max
  }

  package static let columns = ["LINK", "ADDRESS", "PEER", "BROADCAST", "SCOPE", "FLAGS", "LABEL", "METRIC", "VALID"]

  package var cells: [String] {
    let flags = [
      ("secondary", secondary), ("tentative", tentative), ("nodad", nodad), ("noprefixroute", noprefixroute),
      ("optimistic", optimistic), ("dadfailed", dadfailed), ("home", home), ("deprecated", deprecated),
      ("dynamic", dynamic), ("mngtmpaddr", mngtmpaddr), ("autojoin", autojoin),
    ]
    return [
      dev, "\(local)/\(prefixlen)", address ?? "", broadcast ?? "", scope,
      flags.filter { $0.1 == true }.map(\.0).joined(separator: ","), label ?? "",
      metric.map { "\($0)" } ?? "", validLifeTime == .max ? "" : "\(validLifeTime) s",
    ]
  }
}
