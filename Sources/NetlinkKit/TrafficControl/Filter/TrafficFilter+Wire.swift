// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension TrafficFilter {
  /// Reads an `RTM_NEWTFILTER` message; nil for one that belongs to no link.
  ///
  /// One without number stands for a priority and not for a filter, and is read only when priorities are kept. In a list
  /// there is one before the filters of each priority, in news it says what became of them.
  init?(_ message: Message, in datagram: RawSpan, keepsPriorities: Bool = false) throws(WireError) {
    let header = try TrafficControl.header(of: message, in: datagram)
    guard keepsPriorities || header.tcm_handle != 0, let place = Place(header) else { return nil }
    self.init(
      at: place, priority: UInt16(truncatingIfNeeded: header.tcm_info >> 16),
      etherType: UInt16(bigEndian: UInt16(truncatingIfNeeded: header.tcm_info)), handle: header.tcm_handle,
      settings: .matchall)
    var kind = ""
    var options: Attribute?
    var cursor = message.attributes(after: TrafficControl.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_KIND): kind = try datagram.string(attribute)
      case Int(TCA_OPTIONS): options = attribute
      case Int(TCA_CHAIN):
        chain = try datagram.value(attribute)
        saysChain = true
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    switch kind {
    case "bpf": settings = .bpf(try readBPF(options, in: datagram))
    case "matchall": try readMatchall(options, in: datagram)
    case "u32": settings = .u32(try readU32(options, in: datagram))
    default:
      var raw = RawAttributes()
      if let options { try raw.append(options, from: datagram) }
      settings = .other(kind, options: raw)
    }
  }

  /// Writes the filter as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    writer.put(header: header)
    writer.put(Int(TCA_KIND), string: settings.name)
    if saysChain { writer.put(Int(TCA_CHAIN), chain) }
    encodeOptions(into: writer, isReply: true)
    writer.put(otherAttributes)
  }

  /// The fixed header.
  var header: tcmsg {
    let info = UInt32(priority) << 16 | UInt32(etherType.bigEndian)
    return switch place {
    case .link(let interface, let parent):
      TrafficControl.header(interface.rawValue, handle: handle, parent: parent, info: info)
    case .block(let block):
      TrafficControl.header(
        TrafficControl.blockIndex, handle: handle, parent: TrafficHandle(rawValue: block), info: info)
    }
  }

  /// Writes `TCA_OPTIONS`.
  ///
  /// - Parameters:
  ///   - writer: where to.
  ///   - isReply: as the kernel sends it, and not as it takes it.
  func encodeOptions(into writer: MessageWriter, isReply: Bool) {
    if case .other(_, let options) = settings {
      writer.put(options)
      return
    }
    writer.nested(Int(TCA_OPTIONS)) { writer in
      let types: FilterTypes
      switch settings {
      case .bpf(let program):
        types = .bpf
        program.encode(into: writer, isReply: isReply)
      case .u32(let u32):
        types = .u32
        u32.encode(into: writer, isTerminal: classID != nil || !actions.isEmpty)
      case .matchall, .other: types = .matchall
      }
      if let classID { writer.put(types.classID, classID.rawValue) }
      // The kernel refuses to be told what it says itself.
      if let offload = isReply ? offload : offload?.subtracting([.inHardware, .notInHardware]),
        isReply || !offload.isEmpty
      {
        writer.put(types.flags, offload.rawValue)
      }
      TrafficAction.encode(actions, types.actions, into: writer, isReply: isReply)
      if isReply { writer.put(otherOptions) }
    }
  }

  /// Takes one of the attributes that are in the options of each kind, under different numbers.
  mutating func take(
    _ attribute: Attribute, _ types: FilterTypes, in datagram: RawSpan
  ) throws(WireError) {
    switch attribute.kind {
    case types.classID: classID = TrafficHandle(rawValue: try datagram.value(attribute))
    case types.flags: offload = FilterOffload(rawValue: try datagram.value(attribute))
    case types.actions: actions = try TrafficAction.decode(list: attribute, in: datagram)
    default: try otherOptions.append(attribute, from: datagram)
    }
  }

  private mutating func readMatchall(_ options: Attribute?, in datagram: RawSpan) throws(WireError) {
    guard let options else { return }
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) { try take(attribute, .matchall, in: datagram) }
  }
}

/// What is in the options of each kind of filter, under different numbers.
struct FilterTypes {
  let classID: Int
  let flags: Int
  let actions: Int

  /// `TCA_BPF_CLASSID`, `TCA_BPF_FLAGS_GEN`, `TCA_BPF_ACT`.
  static var bpf: Self { Self(classID: 3, flags: 9, actions: 1) }
  /// `TCA_MATCHALL_CLASSID`, `TCA_MATCHALL_FLAGS`, `TCA_MATCHALL_ACT`.
  static var matchall: Self { Self(classID: 1, flags: 3, actions: 2) }
  /// `TCA_U32_CLASSID`, `TCA_U32_FLAGS`, `TCA_U32_ACT`.
  static var u32: Self { Self(classID: 1, flags: 11, actions: 7) }
}

extension TrafficFilter.Place {
  /// Reads the fixed header; nil for one that belongs to no link.
  init?(_ header: tcmsg) {
    let index = UInt32(bitPattern: header.tcm_ifindex)
    if index == TrafficControl.blockIndex {
      self = .block(header.tcm_parent)
    } else if let interface = InterfaceIndex(rawValue: index) {
      self = .link(interface, parent: TrafficHandle(rawValue: header.tcm_parent))
    } else {
      return nil
    }
  }
}
