// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_NEWTCLASS` and `RTM_DELTCLASS`.
struct ChangeClass: NetlinkRequest {
  let change: TrafficChange
  /// What to change; its settings do not matter for a removal.
  let `class`: TrafficClass

  var type: Int { change == .remove ? Int(RTM_DELTCLASS) : Int(RTM_NEWTCLASS) }
  var name: String { change == .remove ? "RTM_DELTCLASS" : "RTM_NEWTCLASS" }
  var flags: Int { change.flags }
  var operation: String { "\(change) class \(`class`.handle) in \(`class`.parent) of link \(`class`.interface)" }

  var objection: String? {
    if let objection = TrafficControl.objection(to: `class`.interface) { return objection }
    // With major or minor 0 the kernel takes another, or the queueing discipline itself.
    if `class`.handle.major == 0 || `class`.handle.minor == 0 {
      return "the handle of a class has a major and a minor number, such as 1:10"
    }
    switch `class`.settings {
    case .htb(let settings): return change == .remove ? nil : settings.objection
    case .other(let name, _): return TrafficControl.objection(toKind: name)
    }
  }

  func encode(into writer: MessageWriter) {
    // Of a class in no other class the kernel says "root", but to take it back it wants the queueing discipline.
    let parent = change == .remove ? .unspecified : `class`.parent
    writer.put(
      header: TrafficControl.header(
        `class`.interface.rawValue, handle: `class`.handle.rawValue,
        parent: parent == .root ? TrafficHandle(major: `class`.handle.major) : parent))
    guard change != .remove else { return }
    writer.put(Int(TCA_KIND), string: `class`.settings.name)
    switch `class`.settings {
    case .htb(let settings): writer.nested(Int(TCA_OPTIONS)) { settings.encode(into: $0) }
    case .other(_, let options): writer.put(options)
    }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch (ErrorNumber.meaning(failure.errno).code, change) {
    case (.exists, _): (.exists, "class \(`class`.handle) already exists")
    case (.notFound, .remove), (.notFound, .change): (.notFound, "there is no such class")
    case (.notFound, _):
      (.notFound, "the link, its qdisc \(TrafficHandle(major: `class`.handle.major)) or the parent class not found")
    case (.busy, _): (.busy, "the class has others inside, or filters that point to it; remove those first")
    default: nil
    }
  }
}

/// `RTM_GETTCLASS` as a dump of one link.
struct ListClasses: NetlinkQuery {
  let interface: InterfaceIndex
  /// Only those of this queueing discipline; unspecified for all of the link.
  var qdisc: TrafficHandle = .unspecified

  var type: Int { Int(RTM_GETTCLASS) }
  var name: String { "RTM_GETTCLASS" }
  var operation: String { "list classes of link \(interface)" }
  var objection: String? { TrafficControl.objection(to: interface) }

  func encode(into writer: MessageWriter) {
    writer.put(header: TrafficControl.header(interface.rawValue, handle: 0, parent: qdisc))
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> TrafficClass? {
    guard Int(message.type) == Int(RTM_NEWTCLASS) else { return nil }
    return try TrafficClass(message, in: datagram)
  }
}
