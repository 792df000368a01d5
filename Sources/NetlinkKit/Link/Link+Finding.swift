// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_GETLINK`, for one link or as a dump.
struct FindLinks: NetlinkQuery {
  enum Subject: Sendable {
    case all
    case index(InterfaceIndex)
    case name(InterfaceName)
    case alternativeName(String)
  }

  let subject: Subject
  /// Of all links those that are ports of this one; `.some(nil)` for those that are ports of none.
  var master: InterfaceIndex??
  /// Of all links those of the kind with this name.
  var kind: String?
  /// Whether to ask for IPv6's counters of each link too.
  var withProtocolCounters = false
  /// The id of the namespace to look in; nil for the socket's.
  var namespace: NamespaceID?

  /// The same as a removal or change would name it; nil for all links.
  private var one: LinkSubject? {
    switch subject {
    case .all: nil
    case .index(let index): .index(index)
    case .name(let name): .name(name)
    case .alternativeName(let name): .alternativeName(name)
    }
  }

  /// Whether no link can be meant.
  var isHopeless: Bool { one?.objection != nil }

  var type: Int { Int(RTM_GETLINK) }
  var name: String { "RTM_GETLINK" }
  var operation: String { (one.map { "find \($0)" } ?? "list links") + NamespaceID.text(namespace) }

  func encode(into writer: MessageWriter) {
    writer.put(header: ifinfomsg(index: one?.index))
    one?.encode(into: writer)
    if !withProtocolCounters { writer.put(Int(IFLA_EXT_MASK), UInt32(RTEXT_FILTER_SKIP_STATS)) }
    // -1 stands for none (Linux 5.16).
    if let master { writer.put(Int(IFLA_MASTER), master?.rawValue ?? UInt32.max) }
    if let kind { writer.nested(Int(IFLA_LINKINFO)) { $0.put(Int(IFLA_INFO_KIND), string: kind) } }
    if let namespace { writer.put(Int(IFLA_TARGET_NETNSID), namespace.rawValue) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Link? {
    guard Int(message.type) == Int(RTM_NEWLINK) else { return nil }
    let link = try Link(message, in: datagram)
    // A kernel that does not know the kind lists all links.
    if let kind, link.kind?.name != kind { return nil }
    if let master, link.masterIndex != master { return nil }
    return link
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard namespace != nil, ErrorNumber.meaning(failure.errno).code == .permissionDenied else { return nil }
    return NamespaceID.denied
  }
}
