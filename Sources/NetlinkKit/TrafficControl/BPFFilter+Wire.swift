// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension InstalledFilter {
  /// `ETH_P_ALL`.
  static let allEtherTypes: UInt16 = 3

  /// Reads an `RTM_NEWTFILTER` message; nil for one that is not at clsact, or stands for a priority without filters.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    let header = try TrafficControl.header(of: message, in: datagram)
    guard let interface = InterfaceIndex(rawValue: UInt32(bitPattern: header.tcm_ifindex)),
      let direction = TrafficDirection(parent: header.tcm_parent), header.tcm_handle != 0
    else { return nil }
    self.init(
      interface: interface, direction: direction, priority: UInt16(truncatingIfNeeded: header.tcm_info >> 16),
      etherType: UInt16(bigEndian: UInt16(truncatingIfNeeded: header.tcm_info)), handle: header.tcm_handle, kind: "",
      program: nil)
    var options: Attribute?
    var cursor = message.attributes(after: TrafficControl.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_KIND): kind = try datagram.string(attribute)
      case Int(TCA_OPTIONS): options = attribute
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    guard let options else { return }
    if kind == "bpf" {
      program = try Program(options, in: datagram)
    } else {
      try otherAttributes.append(options, from: datagram)
    }
  }
}

extension InstalledFilter.Program {
  /// Reads `TCA_OPTIONS` of a filter of kind `bpf`.
  init(_ options: Attribute, in datagram: RawSpan) throws(WireError) {
    self.init(name: nil, identifier: 0, tag: [], isDirectAction: false)
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_BPF_NAME): name = try datagram.string(attribute)
      case Int(TCA_BPF_ID): identifier = try datagram.value(attribute)
      case Int(TCA_BPF_TAG): tag = try datagram.bytes(attribute.payload)
      case Int(TCA_BPF_FLAGS):
        isDirectAction = try datagram.value(attribute, as: UInt32.self) & UInt32(TCA_BPF_FLAG_ACT_DIRECT) != 0
      default: break
      }
    }
  }
}

/// `RTM_NEWTFILTER` for a BPF program.
struct AttachFilter: NetlinkRequest {
  let filter: BPFFilter
  let isReplacement: Bool

  var type: Int { Int(RTM_NEWTFILTER) }
  var name: String { "RTM_NEWTFILTER" }
  var flags: Int { Int(NLM_F_CREATE) | (isReplacement ? 0 : Int(NLM_F_EXCL)) }
  var operation: String {
    "\(isReplacement ? "replace" : "add") \(filter.direction) filter \"\(filter.name)\" on link \(filter.interface)"
  }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: TrafficControl.header(
        filter.interface, handle: filter.handle, parent: filter.direction.parent,
        info: UInt32(filter.priority) << 16 | UInt32(InstalledFilter.allEtherTypes.bigEndian)))
    writer.put(Int(TCA_KIND), string: "bpf")
    writer.nested(Int(TCA_OPTIONS)) { writer in
      writer.put(Int(TCA_BPF_FD), UInt32(bitPattern: filter.programDescriptor))
      writer.put(Int(TCA_BPF_NAME), string: filter.name)
      writer.put(Int(TCA_BPF_FLAGS), UInt32(TCA_BPF_FLAG_ACT_DIRECT))
    }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    case .exists:
      (.exists, "a filter with priority \(filter.priority) and handle \(filter.handle) already exists")
    case .notFound: (.notFound, "the link, its clsact or the module cls_bpf not found")
    case .invalidArgument:
      (
        .invalidArgument,
        "the link has no clsact, or descriptor \(filter.programDescriptor) is no traffic control program"
      )
    default: nil
    }
  }
}

/// `RTM_DELTFILTER`.
struct RemoveFilter: NetlinkRequest {
  let interface: InterfaceIndex
  let direction: TrafficDirection
  let priority: UInt16
  let handle: UInt32
  let kind: String
  let etherType: UInt16

  var type: Int { Int(RTM_DELTFILTER) }
  var name: String { "RTM_DELTFILTER" }
  var operation: String {
    "remove \(direction) filter with priority \(priority) and handle \(handle) of link \(interface)"
  }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: TrafficControl.header(
        interface, handle: handle, parent: direction.parent,
        info: UInt32(priority) << 16 | UInt32(etherType.bigEndian)))
    writer.put(Int(TCA_KIND), string: kind)
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    // The kernel answers "invalid" when the link has no clsact to look at.
    case .notFound, .invalidArgument: (.notFound, "there is no such filter")
    default: nil
    }
  }
}

/// `RTM_GETTFILTER` as a dump of one direction of one link.
struct ListFilters: NetlinkQuery {
  let interface: InterfaceIndex
  let direction: TrafficDirection

  var type: Int { Int(RTM_GETTFILTER) }
  var name: String { "RTM_GETTFILTER" }
  var operation: String { "list \(direction) filters of link \(interface)" }

  func encode(into writer: MessageWriter) {
    writer.put(header: TrafficControl.header(interface, handle: 0, parent: direction.parent))
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> InstalledFilter? {
    guard Int(message.type) == Int(RTM_NEWTFILTER) else { return nil }
    return try InstalledFilter(message, in: datagram)
  }
}
