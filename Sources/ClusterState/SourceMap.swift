// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// Which lines of a stream the fields of its documents stand in.
///
/// Reading manifests does not need it and does not make it: it is made when a person is to be shown where something
/// is written.
public struct SourceMap: Sendable {
  private struct Node {
    /// The line of the key, the item or the document, from 1.
    var firstLine: Int
    var lastLine: Int
    var children: Children
  }

  private enum Children {
    case none
    case items([Int])
    /// Children by key, and what merge keys add.
    case fields([String: Int], merged: [Int])
  }

  private var nodes: [Node] = []
  private var documents: [Int] = []

  /// Maps a stream; of one that cannot be read to its end the documents before the error are there.
  ///
  /// - Parameters:
  ///   - bytes: the stream as ``PolicyManifests`` or ``ManifestStream`` reads it.
  ///   - documentLimit: how many of its documents are wanted at most, from the first.
  public init(bytes: [UInt8], documentLimit: Int = .max) {
    guard bytes.count <= ManifestStream.sizeLimit else { return }
    do {
      var composer = try Composer(bytes)
      while documents.count < documentLimit, let root = try composer.nextDocument(into: &nodes) {
        documents.append(root)
      }
    } catch {
      // What was read before is worth as much.
    }
  }

  /// Whether no document could be read.
  public var isEmpty: Bool { documents.isEmpty }

  /// The lines that a field stands in.
  ///
  /// - Parameters:
  ///   - document: the document in the stream, from 0, empty ones included.
  ///   - path: the field.
  /// - Returns: its lines, from 1, beginning with the one of its name; those of the nearest part around it where the
  ///   document does not have the field; nil where it does not have the document.
  public func lines(document: Int, path: FieldPath) -> ClosedRange<Int>? {
    guard documents.indices.contains(document) else { return nil }
    var node = nodes[documents[document]]
    for step in path.steps {
      guard let child = child(of: node, step, depth: 0) else { break }
      node = nodes[child]
    }
    return node.firstLine...max(node.firstLine, node.lastLine)
  }

  /// The lines that a field stands in, whose path is given as errors have it.
  ///
  /// - Parameters:
  ///   - document: the document in the stream, from 0, empty ones included.
  ///   - path: the path, such as `.spec.ingress[0].ports[0].endPort`.
  /// - Returns: its lines, or those of the nearest part around it; nil where there is no such document.
  public func lines(document: Int, path: String) -> ClosedRange<Int>? {
    lines(document: document, path: FieldPath(description: path))
  }

  private func child(of node: Node, _ step: FieldPath.Step, depth: Int) -> Int? {
    switch (node.children, step) {
    case (.items(let items), .item(let index)): return items.indices.contains(index) ? items[index] : nil
    case (.fields(let fields, let merged), .name(let name)):
      if let child = fields[name] { return child }
      guard depth < YAMLComposer.depthLimit else { return nil }
      for index in merged {
        if let child = child(of: nodes[index], step, depth: depth + 1) { return child }
        guard case .items(let items) = nodes[index].children else { continue }
        for item in items {
          if let child = child(of: nodes[item], step, depth: depth + 1) { return child }
        }
      }
      return nil
    default: return nil
    }
  }
}

extension SourceMap {
  /// Makes nodes out of events.
  private struct Composer: ~Copyable {
    private var events: YAMLEvents
    private var anchors: [String: Int] = [:]

    init(_ bytes: [UInt8]) throws(YAMLError) {
      events = try YAMLEvents(yamlBytes(bytes))
    }

    mutating func nextDocument(into nodes: inout [Node]) throws(YAMLError) -> Int? {
      anchors = [:]
      while true {
        switch try events.next() {
        case .streamEnd: return nil
        case .documentStart:
          let event = try events.next()
          let root = try compose(event, line: events.line, depth: 0, into: &nodes)
          _ = try events.next()
          return root
        default: continue
        }
      }
    }

    private mutating func compose(
      _ event: YAMLEvent, line: Int, depth: Int, into nodes: inout [Node]
    ) throws(YAMLError) -> Int {
      guard depth < YAMLComposer.depthLimit else { throw YAMLError(message: "nested too deep", line: line) }
      let index = nodes.count
      nodes.append(Node(firstLine: line, lastLine: max(line, events.lastLine), children: .none))
      switch event {
      case .alias(let name):
        if let anchored = anchors[name] { nodes[index].children = nodes[anchored].children }
      case .sequenceStart(let anchor):
        keep(index, anchor)
        try sequence(index, depth, &nodes)
      case .mappingStart(let anchor):
        keep(index, anchor)
        try mapping(index, depth, &nodes)
      case .scalar(_, let anchor, _, _): keep(index, anchor)
      default: throw YAMLError(message: "the document ends too early", line: line)
      }
      return index
    }

    private mutating func keep(_ index: Int, _ anchor: String?) {
      if let anchor { anchors[anchor] = index }
    }

    private mutating func sequence(_ index: Int, _ depth: Int, _ nodes: inout [Node]) throws(YAMLError) {
      var items: [Int] = []
      while true {
        let event = try events.next()
        if case .sequenceEnd = event { break }
        let item = try compose(event, line: events.line, depth: depth + 1, into: &nodes)
        nodes[index].lastLine = max(nodes[index].lastLine, nodes[item].lastLine)
        items.append(item)
      }
      nodes[index].lastLine = max(nodes[index].lastLine, events.lastLine)
      nodes[index].children = .items(items)
    }

    private mutating func mapping(_ index: Int, _ depth: Int, _ nodes: inout [Node]) throws(YAMLError) {
      var fields: [String: Int] = [:]
      var merged: [Int] = []
      while true {
        let event = try events.next()
        if case .mappingEnd = event { break }
        let line = events.line
        var name: String?
        if case .scalar(let text, _, _, _) = event {
          name = text
        } else {
          _ = try compose(event, line: line, depth: depth + 1, into: &nodes)
        }
        let value = try compose(try events.next(), line: line, depth: depth + 1, into: &nodes)
        nodes[index].lastLine = max(nodes[index].lastLine, nodes[value].lastLine)
        if event.isMergeKey {
          merged.append(value)
        } else if let name {
          fields[name] = value
        }
      }
      nodes[index].lastLine = max(nodes[index].lastLine, events.lastLine)
      nodes[index].children = .fields(fields, merged: merged)
    }
  }
}
