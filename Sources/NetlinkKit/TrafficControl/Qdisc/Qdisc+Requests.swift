// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_NEWQDISC` and `RTM_DELQDISC`.
struct ChangeQdisc: NetlinkRequest {
  let change: TrafficChange
  let qdisc: Qdisc

  var type: Int { change == .remove ? Int(RTM_DELQDISC) : Int(RTM_NEWQDISC) }
  var name: String { change == .remove ? "RTM_DELQDISC" : "RTM_NEWQDISC" }
  var flags: Int { change.flags | (change == .replace ? Int(NLM_F_REPLACE) : 0) }
  var operation: String {
    guard qdisc.parent != .clsact else { return "\(change) \(qdisc.kind) of link \(qdisc.interface)" }
    let number = qdisc.handle == .unspecified ? "" : " \(qdisc.handle)"
    return "\(change) qdisc \(qdisc.kind)\(number) at \(qdisc.parent) of link \(qdisc.interface)"
  }

  var objection: String? {
    if let objection = TrafficControl.objection(to: qdisc.interface) ?? qdisc.settings.objection { return objection }
    // The kernel takes the minor number for a class, or ignores it.
    if qdisc.handle.minor != 0 { return "the handle of a qdisc has minor 0, not \(qdisc.handle)" }
    return qdisc.parent == .unspecified ? "the parent must be said: root, clsact or a class" : nil
  }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: TrafficControl.header(
        qdisc.interface.rawValue, handle: qdisc.handle.rawValue, parent: qdisc.parent))
    writer.put(Int(TCA_KIND), string: qdisc.settings.name)
    guard change != .remove else { return }
    qdisc.settings.encode(into: writer)
    if let ingressBlock = qdisc.ingressBlock { writer.put(Int(TCA_INGRESS_BLOCK), ingressBlock) }
    if let egressBlock = qdisc.egressBlock { writer.put(Int(TCA_EGRESS_BLOCK), egressBlock) }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let code = ErrorNumber.meaning(failure.errno).code
    switch (code, change) {
    case (.notFound, .remove):
      return (.notFound, "the link is absent or has no \(qdisc.kind)\(qdisc.parent == .clsact ? "" : " there")")
    // The kernel answers "invalid" (EINVAL) when the place is empty, or holds one of another kind or number.
    case (.invalidArgument, .remove):
      return (.notFound, "the link has no \(qdisc.kind)\(qdisc.parent == .clsact ? "" : " with that number there")")
    case (.exists, .add): return (.exists, "another qdisc has that place or number; replace it, or remove it first")
    // A kind without its module is ENOENT as well, in words of the kernel's own.
    case (.notFound, _) where failure.errno != ErrorNumber.noDevice:
      return (.notFound, "the kind \"\(qdisc.kind)\" is not in this kernel, or what it is to hang on is not there")
    case (.notFound, _): return (.notFound, "link \(qdisc.interface) not found")
    // The number is that of any wrong request (EINVAL); only the words are its own.
    case (.invalidArgument, .change), (.invalidArgument, .replace):
      guard failure.message?.contains("Change operation not supported") == true else { return nil }
      return (.notSupported, "the settings of a \(qdisc.kind) cannot be changed; remove it and add another")
    default: return nil
    }
  }
}

/// `RTM_GETQDISC` as a dump.
struct ListQdiscs: NetlinkQuery {
  /// Only those of this link; the kernel lists all the same.
  var interface: InterfaceIndex?
  /// Whether those are listed too that the kernel made itself, inside others.
  var includesInvisible = false

  var type: Int { Int(RTM_GETQDISC) }
  var name: String { "RTM_GETQDISC" }
  var operation: String { "list qdiscs" }

  func encode(into writer: MessageWriter) {
    writer.put(header: TrafficControl.header(0, handle: 0, parent: .unspecified))
    if includesInvisible { writer.put(flag: Int(TCA_DUMP_INVISIBLE)) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Qdisc? {
    guard Int(message.type) == Int(RTM_NEWQDISC) else { return nil }
    // Those of other links are told by the fixed header, and not read any further.
    if let interface {
      let header = try TrafficControl.header(of: message, in: datagram)
      guard header.tcm_ifindex == Int32(bitPattern: interface.rawValue) else { return nil }
    }
    return try Qdisc(message, in: datagram)
  }
}

/// `RTM_GETQDISC` for one place.
struct FindQdisc: NetlinkQuery {
  let interface: InterfaceIndex
  let parent: TrafficHandle

  var type: Int { Int(RTM_GETQDISC) }
  var name: String { "RTM_GETQDISC" }
  /// Without it the kernel tells everybody but who asked.
  var flags: Int { Int(NLM_F_ECHO) }
  var operation: String { "look for the qdisc at \(parent) of link \(interface)" }
  var objection: String? { TrafficControl.objection(to: interface) }

  func encode(into writer: MessageWriter) {
    writer.put(header: TrafficControl.header(interface.rawValue, handle: 0, parent: parent))
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Qdisc? {
    guard Int(message.type) == Int(RTM_NEWQDISC) else { return nil }
    return try Qdisc(message, in: datagram)
  }
}
