// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension QdiscSettings {
  /// Reads `TCA_OPTIONS`, which may be absent.
  ///
  /// What the kind has no property for goes into `rest`. Options that lack what the kind must say are kept whole.
  init(
    kind: String, options: Attribute?, in datagram: RawSpan, rest: inout RawAttributes
  ) throws(WireError) {
    var settings: QdiscSettings?
    switch kind {
    case "clsact": settings = .clsact
    case "ingress": settings = .ingress
    case "noqueue": settings = .noqueue
    case "mq": settings = .mq
    case "fq": settings = .fq(try FQ(options, in: datagram, rest: &rest))
    case "fq_codel": settings = .fqCodel(try FQCodel(options, in: datagram, rest: &rest))
    case "tbf": settings = try TBF(options, in: datagram, rest: &rest).map { .tbf($0) }
    case "htb": settings = try HTB(options, in: datagram, rest: &rest).map { .htb($0) }
    case "prio": if let options { settings = .prio(try Bands(options, in: datagram)) }
    case "pfifo_fast":
      settings = .pfifoFast()
      if let options { settings = .pfifoFast(try Bands(options, in: datagram)) }
    case "pfifo": settings = .pfifo(limit: try QdiscSettings.limit(options, in: datagram))
    case "bfifo": settings = .bfifo(limit: try QdiscSettings.limit(options, in: datagram))
    default: break
    }
    switch settings {
    case .clsact?, .ingress?, .noqueue?, .mq?:
      if let options { try rest.appendContents(of: options, from: datagram) }
    default: break
    }
    if let settings {
      self = settings
    } else {
      var raw = RawAttributes()
      if let options { try raw.append(options, from: datagram) }
      self = .other(kind, options: raw)
    }
  }

  /// `struct tc_fifo_qopt`.
  private static func limit(_ options: Attribute?, in datagram: RawSpan) throws(WireError) -> UInt32? {
    guard let options else { return nil }
    return try datagram.value(options, as: UInt32.self)
  }

  /// Writes `TCA_OPTIONS` as `tc` does.
  func encode(into writer: MessageWriter) { encode(into: writer, isReply: false, rest: RawAttributes()) }

  /// Writes `TCA_OPTIONS`.
  ///
  /// - Parameters:
  ///   - writer: where to.
  ///   - isReply: as the kernel sends it, and not as it takes it.
  ///   - rest: what goes with it besides.
  ///   - saysOptions: whether to write it also where there is nothing in it.
  func encode(into writer: MessageWriter, isReply: Bool, rest: RawAttributes, saysOptions: Bool = false) {
    let type = Int(TCA_OPTIONS)
    switch self {
    case .clsact, .ingress, .noqueue, .mq:
      if saysOptions || !rest.isEmpty { writer.nested(type) { $0.put(rest) } }
    case .fq(let settings):
      writer.nested(type) { writer in
        settings.encode(into: writer)
        writer.put(rest)
      }
    case .fqCodel(let settings):
      writer.nested(type) { writer in
        settings.encode(into: writer)
        writer.put(rest)
      }
    case .tbf(let settings):
      writer.nested(type) { writer in
        if isReply { settings.encodeReply(into: writer) } else { settings.encode(into: writer) }
        writer.put(rest)
      }
    case .htb(let settings):
      writer.nested(type) { writer in
        settings.encode(into: writer, isReply: isReply)
        writer.put(rest)
      }
    case .prio(let bands): writer.put(type, structure: bands.structure)
    case .pfifoFast(let bands): if isReply, let bands { writer.put(type, structure: bands.structure) }
    case .pfifo(let limit), .bfifo(let limit): if let limit { writer.put(type, limit) }
    case .other(_, let options): writer.put(options)
    }
  }

  /// Why it must not be sent; nil when it may.
  var objection: String? {
    switch self {
    case .fq(let settings): settings.objection
    case .fqCodel(let settings): settings.objection
    case .tbf(let settings): settings.objection
    case .other(let name, _): TrafficControl.objection(toKind: name)
    default: nil
    }
  }
}

extension QdiscSettings.Bands {
  /// Reads `struct tc_prio_qopt`.
  init(_ options: Attribute, in datagram: RawSpan) throws(WireError) {
    let size = MemoryLayout<Structure>.size
    guard options.payload.count == size else {
      throw .attributeWidth(type: options.type, expected: size, actual: options.payload.count)
    }
    let start = options.payload.lowerBound
    self.init(count: try datagram.load(Int32.self, at: start))
    priorities.halves = (
      UInt64(littleEndian: try datagram.load(UInt64.self, at: start + 4)),
      UInt64(littleEndian: try datagram.load(UInt64.self, at: start + 12))
    )
  }

  /// The layout of `struct tc_prio_qopt`, without the array that Swift would have as a tuple of 16.
  struct Structure: BitwiseCopyable {
    var count: Int32
    var words: (UInt32, UInt32, UInt32, UInt32)
  }

  var structure: Structure {
    let (low, high) = (priorities.halves.0.littleEndian, priorities.halves.1.littleEndian)
    func half(_ word: UInt64, _ shift: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word >> shift) }
    return Structure(count: count, words: (half(low, 0), half(low, 32), half(high, 0), half(high, 32)))
  }
}

extension RawAttributes {
  /// Keeps each attribute inside `attribute`.
  mutating func appendContents(of attribute: Attribute, from datagram: RawSpan) throws(WireError) {
    var cursor = AttributeCursor(attribute.payload)
    while let each = try cursor.next(in: datagram) { try append(each, from: datagram) }
  }
}
