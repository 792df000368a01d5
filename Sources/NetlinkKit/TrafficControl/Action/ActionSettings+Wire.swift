// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension ActionSettings {
  /// Reads `TCA_ACT_OPTIONS`; nil when the kind is not known, or the options say what these types cannot hold.
  init?(
    kind: String, options: Attribute?, in datagram: RawSpan, words: inout ActionWords, rest: inout RawAttributes
  ) throws(WireError) {
    guard let options else { return nil }
    var read: ActionSettings?
    switch kind {
    case "gact": read = try Gact.decode(options, in: datagram, &words, &rest)
    case "mirred": read = try Mirred.decode(options, in: datagram, &words, &rest)
    case "skbedit": read = try SkbEdit.decode(options, in: datagram, &words, &rest)
    case "tunnel_key": read = try TunnelKey.decode(options, in: datagram, &words, &rest)
    case "vlan": read = try VLAN.decode(options, in: datagram, &words, &rest)
    default: break
    }
    guard let read else { return nil }
    self = read
  }

  /// Writes the attributes inside `TCA_ACT_OPTIONS`.
  func encode(_ words: ActionWords, into writer: MessageWriter) {
    switch self {
    case .gact(let settings):
      writer.put(Int(TCA_GACT_PARMS), structure: words)
      if let probability = settings.probability { writer.put(Int(TCA_GACT_PROB), bytes: probability) }
    case .mirred(let settings):
      writer.put(
        Int(TCA_MIRRED_PARMS),
        structure: ActionWordsAndTwo(
          words: words, operation: settings.number, interface: settings.interface?.rawValue ?? 0))
    case .skbedit(let settings):
      writer.put(Int(TCA_SKBEDIT_PARMS), structure: words)
      settings.encode(into: writer)
    case .tunnelKey(let settings): settings.encode(words, into: writer)
    case .vlan(let settings): settings.encode(words, into: writer)
    case .other(_, let options): writer.put(options)
    }
  }

  var objection: String? {
    switch self {
    case .gact(let settings):
      return settings.probability.map { $0.count == 8 } == false ? "the probability of gact has 8 bytes" : nil
    case .mirred(let settings): return settings.interface == nil ? "the link to send to must be said" : nil
    case .tunnelKey(.set(let tunnel)):
      return tunnel.source.family == tunnel.destination.family
        ? nil : "the addresses of a tunnel are both IPv4 or both IPv6"
    case .vlan(.push(let tag)), .vlan(.modify(let tag)):
      return tag.id > 4094 || (tag.priority ?? 0) > 7 ? "a VLAN has number 0...4094 and priority 0...7" : nil
    case .other(let name, _): return TrafficControl.objection(toKind: name)
    default: return nil
    }
  }
}

extension ActionSettings.Gact {
  fileprivate static func decode(
    _ options: Attribute, in datagram: RawSpan, _ words: inout ActionWords, _ rest: inout RawAttributes
  ) throws(WireError) -> ActionSettings? {
    var gact = Self()
    var isComplete = false
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_GACT_PARMS):
        words = try datagram.structure(attribute, as: ActionWords.self)
        isComplete = true
      case Int(TCA_GACT_PROB) where attribute.payload.count == 8:
        gact.probability = try datagram.bytes(attribute.payload)
      default: try rest.append(attribute, from: datagram)
      }
    }
    return isComplete ? .gact(gact) : nil
  }
}

extension ActionSettings.Mirred {
  /// `TCA_EGRESS_REDIR`, `TCA_EGRESS_MIRROR`, `TCA_INGRESS_REDIR`, `TCA_INGRESS_MIRROR`.
  fileprivate var number: Int32 { (direction == .ingress ? 2 : 0) + (operation == .redirect ? 1 : 2) }

  fileprivate static func decode(
    _ options: Attribute, in datagram: RawSpan, _ words: inout ActionWords, _ rest: inout RawAttributes
  ) throws(WireError) -> ActionSettings? {
    var mirred: Self?
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_MIRRED_PARMS):
        let parameters = try datagram.structure(attribute, as: ActionWordsAndTwo.self)
        guard (1...4).contains(parameters.operation) else { return nil }
        words = parameters.words
        mirred = Self(
          parameters.operation % 2 == 1 ? .redirect : .mirror, to: .loopback,
          parameters.operation > 2 ? .ingress : .egress)
        mirred?.interface = InterfaceIndex(rawValue: parameters.interface)
      default: try rest.append(attribute, from: datagram)
      }
    }
    return mirred.map { .mirred($0) }
  }
}

extension ActionSettings.SkbEdit {
  /// `TCA_SKBEDIT_QUEUE_MAPPING_MAX`, since Linux 6.1.
  private static let lastQueueType = 10

  fileprivate static func decode(
    _ options: Attribute, in datagram: RawSpan, _ words: inout ActionWords, _ rest: inout RawAttributes
  ) throws(WireError) -> ActionSettings? {
    var edit = Self()
    var isComplete = false
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_SKBEDIT_PARMS):
        words = try datagram.structure(attribute, as: ActionWords.self)
        isComplete = true
      case Int(TCA_SKBEDIT_PRIORITY): edit.priority = TrafficHandle(rawValue: try datagram.value(attribute))
      case Int(TCA_SKBEDIT_QUEUE_MAPPING): edit.queueMapping = try datagram.value(attribute)
      case lastQueueType: edit.lastQueueMapping = try datagram.value(attribute)
      case Int(TCA_SKBEDIT_MARK): edit.mark = try datagram.value(attribute)
      case Int(TCA_SKBEDIT_MASK): edit.markMask = try datagram.value(attribute)
      case Int(TCA_SKBEDIT_PTYPE): edit.packetType = try datagram.value(attribute)
      case Int(TCA_SKBEDIT_FLAGS): edit.flags = try datagram.value(attribute)
      default: try rest.append(attribute, from: datagram)
      }
    }
    return isComplete ? .skbedit(edit) : nil
  }

  fileprivate func encode(into writer: MessageWriter) {
    if let queueMapping { writer.put(Int(TCA_SKBEDIT_QUEUE_MAPPING), queueMapping) }
    if let lastQueueMapping { writer.put(Self.lastQueueType, lastQueueMapping) }
    if let priority { writer.put(Int(TCA_SKBEDIT_PRIORITY), priority.rawValue) }
    if let mark { writer.put(Int(TCA_SKBEDIT_MARK), mark) }
    if let markMask { writer.put(Int(TCA_SKBEDIT_MASK), markMask) }
    if let packetType { writer.put(Int(TCA_SKBEDIT_PTYPE), packetType) }
    if let flags { writer.put(Int(TCA_SKBEDIT_FLAGS), flags) }
  }
}
