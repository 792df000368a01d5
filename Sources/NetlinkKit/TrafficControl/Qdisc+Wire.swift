// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// The numbers that traffic control messages are addressed with.
enum TrafficControl {
  /// Where clsact hangs (`TC_H_CLSACT`).
  static let clsactParent: UInt32 = 0xffff_fff1
  /// clsact's handle, `ffff:`.
  static let clsactHandle: UInt32 = 0xffff_0000
  static let headerSize = MemoryLayout<tcmsg>.size

  static func header(_ interface: InterfaceIndex?, handle: UInt32, parent: UInt32, info: UInt32 = 0) -> tcmsg {
    tcmsg(
      tcm_family: 0, tcm__pad1: 0, tcm__pad2: 0, tcm_ifindex: Int32(bitPattern: interface?.rawValue ?? 0),
      tcm_handle: handle, tcm_parent: parent, tcm_info: info)
  }

  static func header(of message: Message, in datagram: RawSpan) throws(WireError) -> tcmsg {
    guard message.payload.count >= headerSize else {
      throw .truncated(offset: message.payload.lowerBound, needed: headerSize, available: message.payload.count)
    }
    return try datagram.load(tcmsg.self, at: message.payload.lowerBound)
  }
}

extension Qdisc {
  /// Reads an `RTM_NEWQDISC` message; nil for one that belongs to no link.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    let header = try TrafficControl.header(of: message, in: datagram)
    guard let interface = InterfaceIndex(rawValue: UInt32(bitPattern: header.tcm_ifindex)) else { return nil }
    self.init(interface: interface, kind: "", handle: header.tcm_handle, parent: header.tcm_parent)
    var cursor = message.attributes(after: TrafficControl.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_KIND): kind = try datagram.string(attribute)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
  }
}

/// `RTM_NEWQDISC` and `RTM_DELQDISC` for clsact.
struct ChangeClsact: NetlinkRequest {
  let interface: InterfaceIndex
  let isRemoval: Bool

  var type: Int { isRemoval ? Int(RTM_DELQDISC) : Int(RTM_NEWQDISC) }
  var name: String { isRemoval ? "RTM_DELQDISC" : "RTM_NEWQDISC" }
  var flags: Int { isRemoval ? 0 : Int(NLM_F_CREATE | NLM_F_EXCL) }
  var operation: String { "\(isRemoval ? "remove" : "add") clsact of link \(interface)" }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: TrafficControl.header(
        interface, handle: TrafficControl.clsactHandle, parent: TrafficControl.clsactParent))
    writer.put(Int(TCA_KIND), string: "clsact")
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let code = ErrorNumber.meaning(failure.errno).code
    // The kernel answers "invalid" (EINVAL) when the place is empty, or holds a discipline of another kind.
    if isRemoval, code == .notFound || code == .invalidArgument {
      return (.notFound, "the link is absent or has no clsact")
    }
    return code == .notFound ? (.notFound, "link \(interface) or the module sch_ingress not found") : nil
  }
}

/// `RTM_GETQDISC` as a dump.
struct ListQdiscs: NetlinkQuery {
  var type: Int { Int(RTM_GETQDISC) }
  var name: String { "RTM_GETQDISC" }
  var operation: String { "list qdiscs" }

  func encode(into writer: MessageWriter) { writer.put(header: TrafficControl.header(nil, handle: 0, parent: 0)) }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Qdisc? {
    guard Int(message.type) == Int(RTM_NEWQDISC) else { return nil }
    return try Qdisc(message, in: datagram)
  }
}
