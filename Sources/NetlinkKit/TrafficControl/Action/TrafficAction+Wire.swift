// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension TrafficAction {
  /// Reads a list of actions, such as `TCA_U32_ACT`; each attribute in it is one, its type the place.
  static func decode(list: Attribute, in datagram: RawSpan) throws(WireError) -> [TrafficAction] {
    var actions: [TrafficAction] = []
    var cursor = AttributeCursor(list.payload)
    while let attribute = try cursor.next(in: datagram) {
      actions.append(try TrafficAction(attribute, in: datagram))
    }
    return actions
  }

  private init(_ action: Attribute, in datagram: RawSpan) throws(WireError) {
    var kind = ""
    var options: Attribute?
    self.init(.gact())
    var cursor = AttributeCursor(action.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_ACT_KIND): kind = try datagram.string(attribute)
      case Int(TCA_ACT_OPTIONS): options = attribute
      case Int(TCA_ACT_STATS): statistics = try TrafficStatistics(attribute, in: datagram)
      case Int(TCA_ACT_COOKIE): cookie = try datagram.bytes(attribute.payload)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    var words = ActionWords()
    let read = try ActionSettings(
      kind: kind, options: options, in: datagram, words: &words, rest: &otherOptions)
    if let read {
      settings = read
      index = words.index
      capabilities = words.capabilities
      verdict = TrafficVerdict(rawValue: words.verdict)
      referenceCount = words.referenceCount
      bindCount = words.bindCount
    } else {
      otherOptions = RawAttributes()
      var raw = RawAttributes()
      if let options { try raw.appendContents(of: options, from: datagram) }
      settings = .other(kind, options: raw)
    }
  }

  /// Writes a list of actions.
  static func encode(_ actions: [TrafficAction], _ type: Int, into writer: MessageWriter, isReply: Bool) {
    guard !actions.isEmpty else { return }
    writer.nested(type) { writer in
      for (place, action) in actions.enumerated() {
        writer.nested(place + 1) { action.encode(into: $0, isReply: isReply) }
      }
    }
  }

  private func encode(into writer: MessageWriter, isReply: Bool) {
    writer.put(Int(TCA_ACT_KIND), string: settings.name)
    if isReply { statistics?.encodeReply(Int(TCA_ACT_STATS), into: writer) }
    if !cookie.isEmpty { writer.put(Int(TCA_ACT_COOKIE), bytes: cookie) }
    writer.nested(Int(TCA_ACT_OPTIONS)) { writer in
      settings.encode(
        ActionWords(
          index: index, capabilities: isReply ? capabilities : 0, verdict: verdict.rawValue,
          referenceCount: isReply ? referenceCount : 0, bindCount: isReply ? bindCount : 0), into: writer)
      if isReply { writer.put(otherOptions) }
    }
    if isReply { writer.put(otherAttributes) }
  }

  var objection: String? {
    if cookie.count > 16 { return "a cookie has up to 16 bytes" }
    return settings.objection
  }
}

/// What the struct of every kind of action begins with (`tc_gen`).
struct ActionWords: BitwiseCopyable {
  var index: UInt32 = 0
  var capabilities: UInt32 = 0
  var verdict: Int32 = 0
  var referenceCount: Int32 = 0
  var bindCount: Int32 = 0
}

/// The struct of a kind that has one word more.
struct ActionWordsAndOne: BitwiseCopyable {
  var words: ActionWords
  var operation: Int32
}

/// The struct of a kind that has two words more.
struct ActionWordsAndTwo: BitwiseCopyable {
  var words: ActionWords
  var operation: Int32
  var interface: UInt32
}
