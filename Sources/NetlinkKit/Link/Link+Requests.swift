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

  func encode(into writer: MessageWriter) {
    writer.put(header: ifinfomsg(up: link.isUp))
    writer.put(Int(IFLA_IFNAME), string: link.name.rawValue)
    if let mtu = link.mtu { writer.put(Int(IFLA_MTU), mtu) }
    if let address = link.address { writer.put(Int(IFLA_ADDRESS), bytes: address.bytes) }
    if let parent = link.kind.parent { writer.put(Int(IFLA_LINK), parent.rawValue) }
    if let namespace = link.namespace {
      writer.put(Int(IFLA_NET_NS_FD), UInt32(bitPattern: namespace.descriptor))
    }
    writer.nested(Int(IFLA_LINKINFO)) { writer in
      writer.put(Int(IFLA_INFO_KIND), string: link.kind.name)
      writer.nested(Int(IFLA_INFO_DATA)) { link.kind.encodeData(into: $0) }
    }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let general = ErrorNumber.meaning(failure.errno)
    switch (general.code, link.kind) {
    case (.exists, .veth(let peer?)):
      return (.exists, "\"\(link.name)\" or its peer \"\(peer.name)\" already exists in its namespace")
    case (.exists, _):
      return (.exists, "already exists\(link.namespace == nil ? "" : " in the target namespace")")
    case (.notFound, _):
      guard let parent = link.kind.parent else { return nil }
      return (.notFound, "parent with index \(parent) not found in the socket's namespace")
    case (.notSupported, _):
      return (.notSupported, "this kernel knows no \(link.kind.name) links; is its module present?")
    case (.busy, _):
      guard let parent = link.kind.parent else { return nil }
      return (.busy, "parent with index \(parent) is in use by another kind of link")
    default: return nil
    }
  }
}

/// `RTM_NEWLINK` that changes.
struct ChangeLink: NetlinkRequest {
  let subject: Subject
  let changes: LinkChanges

  /// The link, by number or by its present name.
  enum Subject: Sendable {
    case index(InterfaceIndex)
    case name(InterfaceName)
  }

  var type: Int { Int(RTM_NEWLINK) }
  var name: String { "RTM_NEWLINK" }
  var operation: String {
    switch subject {
    case .index(let index): "change link \(index)"
    case .name(let name): "change link \"\(name)\""
    }
  }

  func encode(into writer: MessageWriter) {
    let (values, mask) = changes.flags
    switch subject {
    case .index(let index):
      writer.put(header: ifinfomsg(index: index, flags: values, mask: mask))
      if let name = changes.name { writer.put(Int(IFLA_IFNAME), string: name.rawValue) }
    case .name(let name):
      writer.put(header: ifinfomsg(flags: values, mask: mask))
      writer.put(Int(IFLA_IFNAME), string: name.rawValue)
    }
    if let mtu = changes.mtu { writer.put(Int(IFLA_MTU), mtu) }
    if let address = changes.address { writer.put(Int(IFLA_ADDRESS), bytes: address.bytes) }
    if let alias = changes.alias { writer.put(Int(IFLA_IFALIAS), bytes: Array(alias.utf8)) }
    if let namespace = changes.namespace {
      writer.put(Int(IFLA_NET_NS_FD), UInt32(bitPattern: namespace.descriptor))
    }
    if let master = changes.master { writer.put(Int(IFLA_MASTER), master?.rawValue ?? 0) }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let general = ErrorNumber.meaning(failure.errno)
    switch general.code {
    case .busy where changes.name != nil: return (.busy, "a link that is up cannot be renamed; set it down first")
    case .exists:
      guard let name = changes.name else { return (.exists, "the target namespace has a link of that name") }
      return (.exists, "another link has the name \"\(name)\"")
    default: return nil
    }
  }
}

/// `RTM_DELLINK`.
struct RemoveLink: NetlinkRequest {
  let index: InterfaceIndex

  var type: Int { Int(RTM_DELLINK) }
  var name: String { "RTM_DELLINK" }
  var operation: String { "remove link \(index)" }

  func encode(into writer: MessageWriter) { writer.put(header: ifinfomsg(index: index)) }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard ErrorNumber.meaning(failure.errno).code == .notSupported else { return nil }
    return (.notSupported, "only virtual links can be removed, not hardware or the loopback")
  }
}

/// `RTM_GETLINK`, for one link or as a dump.
struct FindLinks: NetlinkQuery {
  enum Subject: Sendable {
    case all
    case index(InterfaceIndex)
    case name(InterfaceName)
  }

  let subject: Subject

  var type: Int { Int(RTM_GETLINK) }
  var name: String { "RTM_GETLINK" }
  var operation: String {
    switch subject {
    case .all: "list links"
    case .index(let index): "find link \(index)"
    case .name(let name): "find link \"\(name)\""
    }
  }

  func encode(into writer: MessageWriter) {
    switch subject {
    case .all: writer.put(header: ifinfomsg())
    case .index(let index): writer.put(header: ifinfomsg(index: index))
    case .name(let name):
      writer.put(header: ifinfomsg())
      writer.put(Int(IFLA_IFNAME), string: name.rawValue)
    }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Link? {
    guard Int(message.type) == Int(RTM_NEWLINK) else { return nil }
    return try Link(message, in: datagram)
  }
}
