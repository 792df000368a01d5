// SPDX-License-Identifier: Apache-2.0

package import NetlinkKit
internal import NetworkTypes

/// A link, as `ip -j -d link` names its fields.
package struct LinkRow: Row {
  struct Information: Encodable {
    let infoKind: String
  }

  let ifindex: UInt32
  let ifname: String
  let link: String?
  let linkIndex: UInt32?
  let linkNetnsid: Int32?
  let master: String?
  let flags: [String]
  let mtu: UInt32
  let operstate: String
  let address: String?
  let ifalias: String?
  let linkinfo: Information?

  /// Describes a link.
  package init(_ link: Link, _ names: LinkNames) {
    ifindex = link.index.rawValue
    ifname = link.name.rawValue
    // The index of a link elsewhere has no name here.
    let isElsewhere = link.parentNamespaceID != nil
    self.link = isElsewhere ? nil : names.name(link.parentIndex)
    linkIndex = isElsewhere ? link.parentIndex?.rawValue : nil
    linkNetnsid = link.parentNamespaceID?.rawValue
    master = names.name(link.masterIndex)
    flags = LinkRow.flagNames.filter { link.flags.contains($0.flag) }.map(\.name)
    mtu = link.mtu
    operstate = link.operationalState.description
    address = link.address?.description
    ifalias = link.alias
    linkinfo = link.kind.map { Information(infoKind: $0.name) }
  }

  package static let columns = ["INDEX", "NAME", "KIND", "STATE", "MTU", "ADDRESS", "LINK", "MASTER", "FLAGS", "ALIAS"]

  package var cells: [String] {
    let parent = link ?? linkIndex.map { "\($0)@netns \(linkNetnsid ?? 0)" }
    return [
      "\(ifindex)", ifname, linkinfo?.infoKind ?? "", operstate, "\(mtu)", address ?? "", parent ?? "", master ?? "",
      flags.joined(separator: ","), ifalias ?? "",
    ]
  }

  private static let flagNames: [(flag: LinkFlags, name: String)] = [
    (.loopback, "LOOPBACK"), (.broadcast, "BROADCAST"), (.pointToPoint, "POINTOPOINT"), (.multicast, "MULTICAST"),
    (.noARP, "NOARP"), (.promiscuous, "PROMISC"), (.up, "UP"), (.lowerUp, "LOWER_UP"),
  ]
}
