// SPDX-License-Identifier: Apache-2.0

internal import CYaml
internal import KubernetesModel

/// What a YAML parser says next.
///
/// Of lists and mappings the tags are left out: kubectl's reader does not look at them.
enum YAMLEvent {
  case streamEnd
  case documentStart
  case documentEnd
  case alias(String)
  case scalar(text: String, anchor: String?, tag: String?, isPlain: Bool)
  case sequenceStart(anchor: String?)
  case sequenceEnd
  case mappingStart(anchor: String?)
  case mappingEnd

  /// Whether the event, as a key, says that the value's fields are merged into the mapping.
  var isMergeKey: Bool {
    guard case .scalar("<<", _, let tag, let isPlain) = self else { return false }
    return isPlain && tag == nil || tag == "tag:yaml.org,2002:merge"
  }
}

/// A syntax error, or a limit.
struct YAMLError: Error {
  var message: String
  /// Counted from 1.
  var line: Int
  /// Whether the documents after this one can be read.
  var isOfDocument = false
  /// Where in the document, from the inside out.
  var steps: [FieldPath.Step] = []

  /// The same, seen from one level further out.
  func inside(_ step: FieldPath.Step) -> YAMLError {
    var copy = self
    copy.steps.append(step)
    return copy
  }

  /// Where in the document; nil where the document has no place to name.
  var path: FieldPath? {
    if steps.isEmpty { return nil }
    return steps.reversed().reduce(FieldPath.root) { path, step in
      switch step {
      case .name(let name): path.field(name)
      case .item(let index): path.item(index)
      }
    }
  }
}

/// The events of one stream.
///
/// The one door to libyaml, which Yams carries; Yams's own tree is not used because its size and depth cannot be
/// bounded where aliases nest.
@safe struct YAMLEvents: ~Copyable {
  /// How many `%TAG` lines a stream may have: libyaml compares each with each, and with each tag.
  static let tagDirectiveLimit = 64

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  /// The line of the last event, from 1.
  private(set) var line = 1
  /// The line that the last event ends in; 0 where it has no text of its own.
  private(set) var lastLine = 0

  /// - Throws: where the stream has more directives than can be read in time.
  init(_ bytes: [UInt8]) throws(YAMLError) {
    if let line = Self.lineWithTooManyDirectives(bytes) {
      throw YAMLError(message: "has more than \(Self.tagDirectiveLimit) %TAG directives", line: line)
    }
    unsafe input = .allocate(capacity: bytes.count)
    _ = unsafe input.initialize(from: bytes)
    unsafe parser = .allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    unsafe yaml_parser_initialize(parser)
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe input.deallocate()
  }

  /// The next event; the stream's start is skipped.
  mutating func next() throws(YAMLError) -> YAMLEvent {
    while true {
      var event = unsafe yaml_event_t()
      guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
      defer { unsafe yaml_event_delete(&event) }
      unsafe line = Int(event.start_mark.line) + 1
      // What ends at the beginning of a line ended in the line before.
      let isEmpty = unsafe event.start_mark.index == event.end_mark.index
      unsafe lastLine = isEmpty ? 0 : Int(event.end_mark.line) + (event.end_mark.column == 0 ? 0 : 1)
      switch unsafe event.type {
      case YAML_NO_EVENT, YAML_STREAM_START_EVENT:
        if unsafe event.type == YAML_NO_EVENT { return .streamEnd }
      case YAML_STREAM_END_EVENT: return .streamEnd
      case YAML_DOCUMENT_START_EVENT: return .documentStart
      case YAML_DOCUMENT_END_EVENT: return .documentEnd
      case YAML_ALIAS_EVENT: return .alias(unsafe text(event.data.alias.anchor) ?? "")
      case YAML_SCALAR_EVENT:
        let scalar = unsafe event.data.scalar
        let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        return .scalar(
          text: unsafe String(decoding: bytes, as: UTF8.self), anchor: unsafe text(scalar.anchor),
          tag: unsafe text(scalar.tag), isPlain: unsafe scalar.plain_implicit == 1)
      case YAML_SEQUENCE_START_EVENT: return .sequenceStart(anchor: unsafe text(event.data.sequence_start.anchor))
      case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
      case YAML_MAPPING_START_EVENT: return .mappingStart(anchor: unsafe text(event.data.mapping_start.anchor))
      default: return .mappingEnd
      }
    }
  }

  private func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe String(cString: pointer)
  }

  private func failure() -> YAMLError {
    var problem = "it cannot be read"
    if let text = unsafe parser.pointee.problem { problem = unsafe String(cString: text) }
    let line = unsafe Int(parser.pointee.problem_mark.line) + 1
    // Of bytes that are no text the parser says where they are instead of on which line.
    guard unsafe parser.pointee.error == YAML_READER_ERROR else {
      return YAMLError(message: "is not YAML: \(problem); look at quotes, brackets and indentation", line: line)
    }
    let before = unsafe min(Int(parser.pointee.problem_offset), input.count)
    let lines = unsafe input[..<before].count { $0 == 0x0A } + 1
    return YAMLError(message: "is not text: \(problem); write UTF-8 without control characters", line: lines)
  }

  private static func lineWithTooManyDirectives(_ bytes: [UInt8]) -> Int? {
    guard bytes.contains(0x25) else { return nil }
    var line = 1
    var count = 0
    var isLineStart = true
    for byte in bytes {
      if isLineStart, byte == 0x25 {
        count += 1
        if count > tagDirectiveLimit { return line }
      }
      isLineStart = byte == 0x0A || byte == 0x0D
      if byte == 0x0A { line += 1 }
    }
    return nil
  }
}
