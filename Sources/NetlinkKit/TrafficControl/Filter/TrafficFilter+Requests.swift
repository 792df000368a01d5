// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_NEWTFILTER` and `RTM_DELTFILTER`.
struct ChangeFilter: NetlinkRequest {
  let change: TrafficChange
  let filter: TrafficFilter

  var type: Int { change == .remove ? Int(RTM_DELTFILTER) : Int(RTM_NEWTFILTER) }
  var name: String { change == .remove ? "RTM_DELTFILTER" : "RTM_NEWTFILTER" }
  var flags: Int { change.flags }
  var operation: String {
    let name = filter.program?.name.map { " \"\($0)\"" } ?? ""
    let number = filter.handle == 0 ? "" : " and handle \(handleText)"
    let chain = filter.chain == 0 ? "" : " in chain \(filter.chain)"
    return "\(change) \(filter.kind) filter\(name) with priority \(filter.priority)\(number)\(chain) at \(filter.place)"
  }

  private var handleText: String {
    filter.kind == "u32" ? "0x" + String(filter.handle, radix: 16) : "\(filter.handle)"
  }

  var objection: String? {
    if let objection = filter.place.objection { return objection }
    switch change {
    case .remove:
      // With 0 the kernel would remove everything of that place or priority.
      return filter.priority > 0 && filter.handle > 0 ? nil : "priority and handle must not be 0"
    case .replace, .change:
      if filter.priority == 0 { return "the priority must be 1...65535" }
    case .add: break
    }
    if case .other(let name, _) = filter.settings { return TrafficControl.objection(toKind: name) }
    if let name = filter.program?.name, name.utf8.count > 255 || name.utf8.contains(0) {
      return "the name of a program has up to 255 bytes, none of them zero"
    }
    if filter.program != nil, filter.program?.descriptor == nil { return "the program's descriptor must be said" }
    if case .u32(let u32) = filter.settings, (u32.keys?.count ?? 0) > 255 { return "u32 takes up to 255 keys" }
    if filter.actions.count > 32 { return "a filter has up to 32 actions" }
    for action in filter.actions { if let objection = action.objection { return objection } }
    return nil
  }

  func encode(into writer: MessageWriter) {
    writer.put(header: filter.header)
    if filter.chain != 0 { writer.put(Int(TCA_CHAIN), filter.chain) }
    writer.put(Int(TCA_KIND), string: filter.settings.name)
    if change != .remove { filter.encodeOptions(into: writer, isReply: false) }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let code = ErrorNumber.meaning(failure.errno).code
    if change == .remove {
      // The kernel answers "invalid" when the link has no clsact to look at.
      return code == .notFound || code == .invalidArgument ? (.notFound, "there is no such filter") : nil
    }
    switch code {
    case .exists where change == .replace:
      return (.exists, "a \(filter.kind) filter is not replaced; remove it and add another")
    case .exists:
      return (.exists, "a filter with priority \(filter.priority) and handle \(handleText) already exists")
    case .notFound:
      return (.notFound, "the link, what the filter is to hang on, or the kernel's \(module) not found")
    case .invalidArgument:
      let place =
        filter.direction == nil
        ? "there is no qdisc \(filter.parent?.description ?? "")" : "the link has no clsact"
      guard let descriptor = filter.program?.descriptor else {
        return (.invalidArgument, "\(place), or the filter is not as the kernel wants it")
      }
      return (.invalidArgument, "\(place), or descriptor \(descriptor) is no traffic control program")
    default: return nil
    }
  }

  private var module: String {
    let actions = Set(filter.actions.map { "act_\($0.kind)" }).sorted()
    return (["cls_\(filter.kind)"] + actions).joined(separator: ", ")
  }
}

/// `RTM_DELTFILTER` for all filters of a place, or of a priority.
struct RemoveFilters: NetlinkRequest {
  let place: TrafficFilter.Place
  let priority: UInt16
  let chain: UInt32?

  var type: Int { Int(RTM_DELTFILTER) }
  var name: String { "RTM_DELTFILTER" }
  var operation: String {
    "remove all filters\(priority == 0 ? "" : " with priority \(priority)") at \(place)"
  }
  var objection: String? { place.objection }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: TrafficFilter(at: place, priority: priority, etherType: 0, settings: .matchall).header)
    if let chain { writer.put(Int(TCA_CHAIN), chain) }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    case .notFound, .invalidArgument: (.notFound, "there are no such filters, or no such place")
    default: nil
    }
  }
}

/// `RTM_GETTFILTER` as a dump of one place.
struct ListFilters: NetlinkQuery {
  let place: TrafficFilter.Place
  /// Only those of this chain; nil for all.
  var chain: UInt32?

  var type: Int { Int(RTM_GETTFILTER) }
  var name: String { "RTM_GETTFILTER" }
  var operation: String { "list filters at \(place)" }
  var objection: String? { place.objection }

  func encode(into writer: MessageWriter) {
    writer.put(header: TrafficFilter(at: place, priority: 0, etherType: 0, settings: .matchall).header)
    if let chain { writer.put(Int(TCA_CHAIN), chain) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> TrafficFilter? {
    guard Int(message.type) == Int(RTM_NEWTFILTER) else { return nil }
    return try TrafficFilter(message, in: datagram)
  }
}

extension TrafficFilter.Place {
  /// Why the kernel would take it for another; nil when it is fine.
  var objection: String? {
    switch self {
    case .link(let interface, let parent):
      if let objection = TrafficControl.objection(to: interface) { return objection }
      return parent == .root ? "filters hang on a qdisc's handle, such as 1:, not on the root" : nil
    case .block(let block): return block == 0 ? "a block has a number of 1 or more" : nil
    }
  }
}
