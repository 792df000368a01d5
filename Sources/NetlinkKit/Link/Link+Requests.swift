// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import LinuxSystem
internal import NetworkTypes

/// `RTM_NEWLINK` that creates.
struct CreateLink: NetlinkRequest {
  let link: NewLink

  var type: Int { Int(RTM_NEWLINK) }
  var name: String { "RTM_NEWLINK" }
  var flags: Int { Int(NLM_F_CREATE | NLM_F_EXCL) }
  var operation: String { "create link \"\(link.name)\"" }
  var objection: String? {
    if let index = link.index, index.isBeyondKernel { return "the index must be 1...\(Int32.max)" }
    if case .tun = link.kind { return "a program makes tun and tap devices, by /dev/net/tun; use TunDevice" }
    return nil
  }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: ifinfomsg(index: link.index, flags: link.isUp ? .up : [], mask: link.isUp ? .up : []))
    writer.put(Int(IFLA_IFNAME), string: link.name.rawValue)
    if let mtu = link.mtu { writer.put(Int(IFLA_MTU), mtu) }
    if let address = link.address { writer.put(Int(IFLA_ADDRESS), address) }
    if let parent = link.kind.parent { writer.put(Int(IFLA_LINK), parent.rawValue) }
    if let id = link.parentNamespaceID { writer.put(Int(IFLA_LINK_NETNSID), id.rawValue) }
    if let namespace = link.namespace {
      writer.put(Int(IFLA_NET_NS_FD), UInt32(bitPattern: namespace.descriptor))
    }
    if let master = link.master { writer.put(Int(IFLA_MASTER), master.rawValue) }
    if let group = link.group { writer.put(Int(IFLA_GROUP), group.rawValue) }
    if let count = link.transmitQueueCount { writer.put(Int(IFLA_NUM_TX_QUEUES), count) }
    if let count = link.receiveQueueCount { writer.put(Int(IFLA_NUM_RX_QUEUES), count) }
    if let length = link.transmitQueueLength { writer.put(Int(IFLA_TXQLEN), length) }
    if let address = link.broadcastAddress { writer.put(Int(IFLA_BROADCAST), address) }
    link.segmentation.encode(into: writer)
    writer.nested(Int(IFLA_LINKINFO)) { writer in
      writer.put(Int(IFLA_INFO_KIND), string: link.kind.name)
      writer.nested(Int(IFLA_INFO_DATA)) { link.kind.encodeData(into: $0) }
    }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let general = ErrorNumber.meaning(failure.errno)
    switch (general.code, link.kind) {
    case (.exists, .veth(let peer?)), (.exists, .netkit(let peer?, _)):
      return (.exists, "\"\(link.name)\" or its peer \"\(peer.name)\" already exists in its namespace")
    case (.exists, .vxlan):
      return (.exists, "already exists, by name or as another VXLAN link with this id and port")
    case (.exists, _):
      let place = link.namespace == nil ? "" : " in the target namespace (or, before Linux 6.15, in the socket's)"
      guard let index = link.index else { return (.exists, "already exists\(place)") }
      return (.exists, "the name or index \(index) already exists\(place)")
    case (.busy, _) where link.index != nil:
      return (.busy, "the index \(link.index.map { "\($0)" } ?? "") is taken, or the parent is in use by another kind")
    case (.notFound, _):
      guard let parent = link.kind.carrier else { return nil }
      let place = link.parentNamespaceID.map { "the namespace with id \($0)" } ?? "the socket's namespace"
      return (.notFound, "parent with index \(parent) not found in \(place)")
    case (.notSupported, .netkit(let peer, let settings))
    where settings.mode != .l2 && (link.address != nil || peer?.address != nil):
      return (.notSupported, "in mode l3 neither end takes a link-layer address")
    case (.notSupported, .bridge(let settings)) where failure.message == nil && settings.namesVLANs:
      return (.notSupported, "this kernel's bridges know no VLANs; leave out what is set of VLANs")
    case (.notSupported, _) where failure.message == nil || failure.message == "Unknown device type":
      return (.notSupported, "this kernel knows no \(link.kind.name) links; is its module present?")
    case (.busy, _):
      guard let parent = link.kind.parent else { return nil }
      return (.busy, "parent with index \(parent) is in use by another kind of link")
    default: return nil
    }
  }
}
