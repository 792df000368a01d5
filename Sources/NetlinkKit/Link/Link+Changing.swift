// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import LinuxSystem
internal import NetworkTypes

/// `RTM_NEWLINK` that changes.
struct ChangeLink: NetlinkRequest {
  let subject: LinkSubject
  let changes: LinkChanges

  var type: Int { Int(RTM_NEWLINK) }
  var name: String { "RTM_NEWLINK" }
  var operation: String { "change \(subject)" }

  var objection: String? {
    if let objection = subject.objection { return objection }
    if case .group = subject {
      // One attribute says both which links and what becomes of them.
      guard changes.group == nil else { return "a group's links are put in another group one by one" }
      guard changes.name == nil, changes.namespace == nil else {
        return "a group's links are renamed and moved one by one"
      }
      guard changes.settings == nil, changes.port == nil else {
        return "a group's links are given settings of their kind or port one by one"
      }
    }
    if let alias = changes.alias, alias.utf8.contains(0) { return "the text ends at its first zero byte; leave it out" }
    if let index = changes.newIndex {
      guard changes.namespace != nil else { return "an index changes only with the namespace" }
      if index.isBeyondKernel { return "the index must be 1...\(Int32.max)" }
    }
    if changes.port != nil, changes.master != nil {
      return "the settings would be the old master's port's; give them in a request of their own, when it is a port"
    }
    if case .other(let name)? = changes.port { return "this module knows no settings of a port of \(name)" }
    if let state = changes.operationalState, ![.up, .dormant, .testing].contains(state) {
      return "the state \(state) follows from the device; a program decides between UP, DORMANT and TESTING"
    }
    return nil
  }

  func encode(into writer: MessageWriter) {
    let (values, mask) = changes.flags
    writer.put(header: ifinfomsg(index: subject.index, flags: values, mask: mask))
    subject.encode(into: writer)
    if subject.index != nil, let name = changes.name { writer.put(Int(IFLA_IFNAME), string: name.rawValue) }
    if let mtu = changes.mtu { writer.put(Int(IFLA_MTU), mtu) }
    if let address = changes.address { writer.put(Int(IFLA_ADDRESS), address) }
    if let alias = changes.alias { writer.put(Int(IFLA_IFALIAS), bytes: Array(alias.utf8)) }
    if let namespace = changes.namespace {
      writer.put(Int(IFLA_NET_NS_FD), UInt32(bitPattern: namespace.descriptor))
    }
    if let index = changes.newIndex { writer.put(Int(IFLA_NEW_IFINDEX), index.rawValue) }
    if let master = changes.master { writer.put(Int(IFLA_MASTER), master?.rawValue ?? 0) }
    if let group = changes.group { writer.put(Int(IFLA_GROUP), group.rawValue) }
    if let length = changes.transmitQueueLength { writer.put(Int(IFLA_TXQLEN), length) }
    if let address = changes.broadcastAddress { writer.put(Int(IFLA_BROADCAST), address) }
    changes.segmentation.encode(into: writer)
    if let state = changes.operationalState { writer.put(Int(IFLA_OPERSTATE), state.rawValue) }
    if let mode = changes.mode { writer.put(Int(IFLA_LINKMODE), mode.rawValue) }
    if let hasCarrier = changes.hasCarrier { writer.put(Int(IFLA_CARRIER), UInt8(hasCarrier ? 1 : 0)) }
    changes.ipv6AddressGeneration?.encode(into: writer)
    if let isDown = changes.isProtocolDown { writer.put(Int(IFLA_PROTO_DOWN), UInt8(isDown ? 1 : 0)) }
    changes.encodeInformation(into: writer)
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let general = ErrorNumber.meaning(failure.errno)
    switch general.code {
    case .busy where changes.newIndex != nil:
      return (.busy, "the target namespace has a link with index \(changes.newIndex.map { "\($0)" } ?? "")")
    case .busy where changes.name != nil: return (.busy, "a link that is up cannot be renamed; set it down first")
    case .exists where changes.name == nil && changes.namespace == nil: return nil
    case .exists:
      guard let name = changes.name else { return (.exists, "the target namespace has a link of that name") }
      return (.exists, "another link has the name \"\(name)\"")
    case .busy where changes.settings != nil:
      return (.busy, "one of the settings changes only while the link is down, or without what uses it")
    case .other where changes.settings != nil && ErrorNumber.name(failure.errno) == "ENOTEMPTY":
      return (.busy, "one of the settings changes only while the link has no ports")
    case .notSupported where changes.settings != nil || changes.port != nil:
      return (.notSupported, changes.mismatch)
    case .permissionDenied:
      // EACCES; without the capability it is EPERM.
      guard case .netkit? = changes.settings, ErrorNumber.name(failure.errno) == "EACCES" else { return nil }
      return (
        .permissionDenied, "of a netkit pair all but the policies is fixed when it is created, and the peer has no say"
      )
    case .notSupported where changes.isProtocolDown != nil || changes.hasCarrier != nil:
      return (.notSupported, "the device's driver takes no orders about carrier or protocol-down")
    default: return nil
    }
  }
}

extension LinkChanges {
  /// Writes `IFLA_LINKINFO`, when there is something to say.
  fileprivate func encodeInformation(into writer: MessageWriter) {
    guard settings != nil || port != nil else { return }
    writer.nested(Int(IFLA_LINKINFO)) { writer in
      if let settings {
        writer.put(Int(IFLA_INFO_KIND), string: settings.kindName)
        writer.nested(Int(IFLA_INFO_DATA)) { settings.encode(into: $0, asReply: false) }
      }
      if let port {
        writer.put(Int(IFLA_INFO_SLAVE_KIND), string: port.name)
        writer.nested(Int(IFLA_INFO_SLAVE_DATA)) { port.encodeData(into: $0, asReply: false) }
      }
    }
  }

  /// Why the kernel may have refused settings of a kind or a port.
  fileprivate var mismatch: String {
    var reasons: [String] = []
    if let settings {
      reasons.append("it is no \(settings.kindName) link, or one of the settings is fixed when it is created")
    }
    if let port { reasons.append("it is no port of a \(port.name)") }
    return reasons.joined(separator: ", or ")
  }
}

/// `RTM_DELLINK`.
struct RemoveLink: NetlinkRequest {
  let subject: LinkSubject
  /// The id of the namespace it lies in; nil for the socket's.
  var namespace: NamespaceID?

  var type: Int { Int(RTM_DELLINK) }
  var name: String { "RTM_DELLINK" }
  var operation: String { "remove \(subject)" + NamespaceID.text(namespace) }
  var objection: String? { subject.objection }

  func encode(into writer: MessageWriter) {
    writer.put(header: ifinfomsg(index: subject.index))
    subject.encode(into: writer)
    if let namespace { writer.put(Int(IFLA_TARGET_NETNSID), namespace.rawValue) }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    case .notSupported: (.notSupported, "only virtual links can be removed, not hardware or the loopback")
    case .permissionDenied where namespace != nil: NamespaceID.denied
    default: nil
    }
  }
}

extension RemoveLink {
  init(index: InterfaceIndex) { self.init(subject: .index(index)) }
}

/// `RTM_NEWLINKPROP` and `RTM_DELLINKPROP`.
struct ChangeAlternativeNames: NetlinkRequest {
  let subject: LinkSubject
  let names: [String]
  let isRemoval: Bool

  var type: Int { Int(isRemoval ? RTM_DELLINKPROP : RTM_NEWLINKPROP) }
  var name: String { isRemoval ? "RTM_DELLINKPROP" : "RTM_NEWLINKPROP" }
  var flags: Int { isRemoval ? 0 : Int(NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND) }
  var operation: String {
    let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
    return "\(isRemoval ? "remove" : "add") alternative \(names.count == 1 ? "name" : "names") \(list) of \(subject)"
  }

  var objection: String? {
    subject.objection ?? names.lazy.compactMap { LinkSubject.objection(toAlternativeName: $0) }.first
  }

  func encode(into writer: MessageWriter) {
    writer.put(header: ifinfomsg(index: subject.index))
    subject.encode(into: writer)
    writer.nested(Int(IFLA_PROP_LIST)) { writer in
      for name in names { writer.put(Int(IFLA_ALT_IFNAME), string: name) }
    }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    case .exists: (.exists, "a link of this namespace has that name already")
    case .notFound where ErrorNumber.name(failure.errno) == "ENODEV": (.notFound, "the link was not found")
    case .notFound: (.notFound, "no link has that name")
    default: nil
    }
  }
}
