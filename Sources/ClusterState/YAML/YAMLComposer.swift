// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// Makes documents out of events, with bounds: aliases must not make a document larger than its stream.
struct YAMLComposer: ~Copyable {
  /// How deep a document may nest.
  ///
  /// The deepest object of the Kubernetes API stays far below.
  static let depthLimit = 128

  /// A finished value, and how large it is where every alias is written out.
  private struct Composed {
    var value: DocumentValue
    var weight: Int
    var depth: Int
  }

  private var events: YAMLEvents
  private var anchors: [String: Composed] = [:]
  private let weightLimit: Int

  init(_ bytes: [UInt8]) {
    events = YAMLEvents(bytes)
    weightLimit = bytes.count + 1024
  }

  /// The next document; nil after the last.
  mutating func nextDocument() throws(YAMLError) -> DocumentValue? {
    anchors = [:]
    while true {
      switch try events.next() {
      case .streamEnd: return nil
      case .documentStart:
        let composed = try compose(try events.next(), depth: 0)
        _ = try events.next()
        return composed.value
      default: continue
      }
    }
  }

  private func failure(_ message: String) -> YAMLError {
    YAMLError(message: message, line: events.line)
  }

  private mutating func compose(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> Composed {
    guard depth < Self.depthLimit else { throw failure("nested deeper than \(Self.depthLimit) levels") }
    switch event {
    case .scalar(let text, let anchor, let tag, let isPlain):
      let value = try scalar(text, tag: tag, isPlain: isPlain)
      return keep(Composed(value: value, weight: 1 + text.utf8.count / 16, depth: 1), as: anchor)
    case .alias(let name):
      guard let composed = anchors[name] else { throw failure("alias *\(name) has no anchor before it") }
      guard depth + composed.depth <= Self.depthLimit else {
        throw failure("alias *\(name) nests deeper than \(Self.depthLimit) levels")
      }
      return composed
    case .sequenceStart(let anchor, let tag):
      try check(tag: tag, "seq")
      return keep(try sequence(depth: depth), as: anchor)
    case .mappingStart(let anchor, let tag):
      try check(tag: tag, "map")
      return keep(try mapping(depth: depth), as: anchor)
    case .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      throw failure("the document ends too early")
    }
  }

  private mutating func keep(_ composed: Composed, as anchor: String?) -> Composed {
    if let anchor { anchors[anchor] = composed }
    return composed
  }

  private mutating func sequence(depth: Int) throws(YAMLError) -> Composed {
    var items: [DocumentValue] = []
    var whole = Composed(value: .null, weight: 1, depth: 1)
    while true {
      let event = try events.next()
      if case .sequenceEnd = event { break }
      let item = try compose(event, depth: depth + 1)
      try add(item, to: &whole)
      items.append(item.value)
    }
    whole.value = .array(items)
    return whole
  }

  private mutating func mapping(depth: Int) throws(YAMLError) -> Composed {
    var fields: [String: DocumentValue] = [:]
    var merged: [DocumentValue] = []
    var whole = Composed(value: .null, weight: 1, depth: 1)
    while true {
      let event = try events.next()
      if case .mappingEnd = event { break }
      if case .scalar("<<", _, nil, true) = event {
        let value = try compose(try events.next(), depth: depth + 1)
        try add(value, to: &whole)
        merged.append(value.value)
        continue
      }
      let name = try key(try compose(event, depth: depth + 1).value)
      let value = try compose(try events.next(), depth: depth + 1)
      try add(value, to: &whole)
      guard fields.updateValue(value.value, forKey: name) == nil else {
        throw failure("key \"\(name.prefix(80))\" is there twice")
      }
    }
    for value in merged { try merge(value, into: &fields) }
    whole.value = .map(fields)
    return whole
  }

  private func add(_ part: Composed, to whole: inout Composed) throws(YAMLError) {
    whole.weight += part.weight
    whole.depth = max(whole.depth, part.depth + 1)
    guard whole.weight <= weightLimit else {
      throw failure("aliases make the document larger than the stream; write the repeated parts out")
    }
  }

  /// The merge key: fields that are not there yet, of one mapping or of several.
  private func merge(_ value: DocumentValue, into fields: inout [String: DocumentValue]) throws(YAMLError) {
    switch value {
    case .map(let map):
      fields.merge(map) { present, _ in present }
    case .array(let items):
      for item in items {
        guard case .map(let map) = item else { throw failure("<< needs a mapping or a list of mappings") }
        fields.merge(map) { present, _ in present }
      }
    default: throw failure("<< needs a mapping or a list of mappings")
    }
  }

  private func key(_ value: DocumentValue) throws(YAMLError) -> String {
    switch value {
    case .string(let text): return text
    case .int(let number): return String(number)
    case .bool(let flag): return String(flag)
    case .double(let number): return String(number)
    case .null, .array, .map: throw failure("a key must be text")
    }
  }

  private func scalar(_ text: String, tag: String?, isPlain: Bool) throws(YAMLError) -> DocumentValue {
    switch tag {
    case nil: return isPlain ? YAMLScalar.value(text) : .string(text)
    case "!", "tag:yaml.org,2002:str": return .string(text)
    case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null":
      return YAMLScalar.value(text)
    case .some(let tag): throw failure("tag \(tag.prefix(80)) is not known; remove it")
    }
  }

  private func check(tag: String?, _ wanted: String) throws(YAMLError) {
    guard let tag, tag != "!", tag != "tag:yaml.org,2002:\(wanted)" else { return }
    throw failure("tag \(tag.prefix(80)) is not known; remove it")
  }
}
