// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import KubernetesModel

/// What the composer says of the next document.
enum YAMLDocument {
  /// Its value.
  case value(DocumentValue)
  /// Why it has none; the documents after it can be read.
  case refused(YAMLError)
}

/// Makes documents out of events, with bounds: aliases must not make a stream larger than it is.
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

    mutating func add(_ part: Self) {
      weight += part.weight
      depth = max(depth, part.depth + 1)
    }
  }

  private var events: YAMLEvents
  private var anchors: [String: Composed] = [:]
  /// How much aliases may still add to the stream.
  private var aliasBudget: Int

  /// - Throws: where the bytes cannot be parsed in time that follows their size.
  init(_ bytes: [UInt8]) throws(YAMLError) {
    let bytes = yamlBytes(bytes)
    events = try YAMLEvents(bytes)
    aliasBudget = bytes.count / 2 + 65_536
  }

  /// The next document; nil after the last.
  ///
  /// - Throws: where the stream is no YAML from here on.
  mutating func nextDocument() throws(YAMLError) -> YAMLDocument? {
    anchors = [:]
    while true {
      switch try events.next() {
      case .streamEnd: return nil
      case .documentStart:
        do {
          let composed = try compose(try events.next(), depth: 0)
          _ = try events.next()
          return .value(composed.value)
        } catch {
          guard error.isOfDocument else { throw error }
          try skipDocument()
          return .refused(error)
        }
      default: continue
      }
    }
  }

  private mutating func skipDocument() throws(YAMLError) {
    while true {
      switch try events.next() {
      case .documentEnd, .streamEnd: return
      default: continue
      }
    }
  }

  /// An error after which the next document can be read.
  private func refusal(_ message: String, line: Int? = nil) -> YAMLError {
    YAMLError(message: message, line: line ?? events.line, isOfDocument: true)
  }

  private mutating func compose(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> Composed {
    guard depth < Self.depthLimit else {
      throw YAMLError(message: "is nested deeper than \(Self.depthLimit) levels; make it flatter", line: events.line)
    }
    switch event {
    case .scalar(let text, let anchor, let tag, let isPlain):
      let value = try scalar(text, tag: tag, isPlain: isPlain)
      return keep(Composed(value: value, weight: 1 + text.utf8.count / 16, depth: 1), as: anchor)
    case .alias(let name):
      guard let composed = anchors[name] else {
        throw refusal(
          "alias *\(name.prefix(80)) has no anchor before it; write &\(name.prefix(80)) where the part stands first")
      }
      guard depth + composed.depth <= Self.depthLimit else {
        throw refusal("alias *\(name.prefix(80)) nests deeper than \(Self.depthLimit) levels")
      }
      aliasBudget -= composed.weight
      guard aliasBudget >= 0 else {
        throw YAMLError(
          message: "aliases make the document larger than the stream; write the repeated parts out", line: events.line)
      }
      return composed
    case .sequenceStart(let anchor): return keep(try sequence(depth: depth), as: anchor)
    case .mappingStart(let anchor): return keep(try mapping(depth: depth), as: anchor)
    case .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      throw YAMLError(message: "the document ends too early", line: events.line)
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
      let item = try composeItem(event, items.count, depth: depth + 1)
      whole.add(item)
      items.append(item.value)
    }
    whole.value = .array(items)
    return whole
  }

  private mutating func mapping(depth: Int) throws(YAMLError) -> Composed {
    var fields = Fields()
    var whole = Composed(value: .null, weight: 1, depth: 1)
    while true {
      let event = try events.next()
      if case .mappingEnd = event { break }
      let line = events.line
      if event.isMergeKey {
        let value = try composeField(try events.next(), "<<", depth: depth + 1)
        whole.add(value)
        guard fields.merge(value.value) else {
          throw refusal("<< needs a mapping or a list of mappings", line: line).inside(.name("<<"))
        }
        continue
      }
      let name = try key(try compose(event, depth: depth + 1).value, line: line)
      let value = try composeField(try events.next(), name, depth: depth + 1)
      whole.add(value)
      whole.weight += 1 + name.utf8.count / 16
      guard fields.set(name, to: value.value) else {
        throw refusal("key \"\(name.prefix(80))\" is there twice; remove one", line: line).inside(.name(name))
      }
    }
    whole.value = .map(fields.values)
    return whole
  }

  private mutating func composeItem(_ event: YAMLEvent, _ index: Int, depth: Int) throws(YAMLError) -> Composed {
    do {
      return try compose(event, depth: depth)
    } catch {
      throw error.inside(.item(index))
    }
  }

  private mutating func composeField(_ event: YAMLEvent, _ name: String, depth: Int) throws(YAMLError) -> Composed {
    do {
      return try compose(event, depth: depth)
    } catch {
      throw error.inside(.name(name))
    }
  }

  /// The fields of a mapping while it is read.
  private struct Fields {
    var values: [String: DocumentValue] = [:]
    /// The keys that only merge keys have set; the mapping may set them itself.
    private var merged: Set<String> = []

    /// Sets a field; false where the mapping has set it before.
    mutating func set(_ name: String, to value: DocumentValue) -> Bool {
      values.updateValue(value, forKey: name) == nil || merged.remove(name) != nil
    }

    /// The merge key: the fields of one mapping, or of several of which the first that has a field gives it.
    ///
    /// As in kubectl's reader what stands later in the mapping wins, be it a merge key or a field.
    mutating func merge(_ value: DocumentValue) -> Bool {
      switch value {
      case .map(let map):
        for (name, value) in map where values.updateValue(value, forKey: name) == nil { merged.insert(name) }
        return true
      case .array(let items):
        for item in items.reversed() {
          guard case .map = item, merge(item) else { return false }
        }
        return true
      default: return false
      }
    }
  }

  private func key(_ value: DocumentValue, line: Int) throws(YAMLError) -> String {
    switch value {
    case .string(let text): return text
    case .int(let number): return String(number)
    case .bool(let flag): return String(flag)
    case .double(let number): return String(number)
    case .null, .array, .map: throw refusal("a key must be text; put it in quotes", line: line)
    }
  }

  private func scalar(_ text: String, tag: String?, isPlain: Bool) throws(YAMLError) -> DocumentValue {
    guard let tag else { return isPlain ? YAMLScalar.value(text) : .string(text) }
    let prefix = "tag:yaml.org,2002:"
    // A tag of the manifest's own says nothing of the value.
    guard tag.hasPrefix(prefix) else { return .string(text) }
    let name = tag.dropFirst(prefix.count)
    let value = YAMLScalar.value(text)
    switch (name, value) {
    case ("str", _): return .string(text)
    case ("binary", _):
      guard let data = Data(base64Encoded: text.filter { !$0.isNewline }) else {
        throw refusal("\"\(text.prefix(80))\" is not base64")
      }
      return .string(String(decoding: data, as: UTF8.self))
    case ("int", .int), ("float", .int), ("float", .double), ("bool", .bool), ("null", .null): return value
    case ("timestamp", .string) where YAMLScalar.isDate(text): return value
    case ("int", _), ("float", _), ("bool", _), ("null", _), ("timestamp", _):
      throw refusal("\"\(text.prefix(80))\" cannot be read as !!\(name)")
    // As kubectl's reader does with the tags that it does not know.
    default: return .string(text)
    }
  }
}
