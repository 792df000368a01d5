// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension TrafficFilter {
  mutating func readBPF(_ options: Attribute?, in datagram: RawSpan) throws(WireError) -> FilterSettings.BPF {
    var program = FilterSettings.BPF()
    guard let options else { return program }
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_BPF_NAME): program.name = try datagram.string(attribute)
      case Int(TCA_BPF_ID): program.identifier = try datagram.value(attribute)
      case Int(TCA_BPF_TAG): program.tag = try datagram.bytes(attribute.payload)
      case Int(TCA_BPF_FLAGS):
        let flags = try datagram.value(attribute, as: UInt32.self)
        program.isDirectAction = flags & UInt32(TCA_BPF_FLAG_ACT_DIRECT) != 0
        program.otherFlags = flags & ~UInt32(TCA_BPF_FLAG_ACT_DIRECT)
      default: try take(attribute, .bpf, in: datagram)
      }
    }
    return program
  }

  mutating func readU32(_ options: Attribute?, in datagram: RawSpan) throws(WireError) -> FilterSettings.U32 {
    var u32 = FilterSettings.U32()
    u32.keys = nil
    guard let options else { return u32 }
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_U32_SEL): try u32.readSelector(attribute, in: datagram)
      case Int(TCA_U32_HASH): u32.table = try datagram.value(attribute)
      case Int(TCA_U32_LINK): u32.link = try datagram.value(attribute)
      case Int(TCA_U32_DIVISOR): u32.divisor = try datagram.value(attribute)
      default: try take(attribute, .u32, in: datagram)
      }
    }
    return u32
  }
}

extension FilterSettings.BPF {
  func encode(into writer: MessageWriter, isReply: Bool) {
    if !isReply, let descriptor { writer.put(Int(TCA_BPF_FD), UInt32(bitPattern: descriptor)) }
    if let name { writer.put(Int(TCA_BPF_NAME), string: name) }
    let flags = (isDirectAction ? UInt32(TCA_BPF_FLAG_ACT_DIRECT) : 0) | otherFlags
    if flags != 0 { writer.put(Int(TCA_BPF_FLAGS), flags) }
    guard isReply else { return }
    if identifier != 0 { writer.put(Int(TCA_BPF_ID), identifier) }
    if !tag.isEmpty { writer.put(Int(TCA_BPF_TAG), bytes: tag) }
  }
}

extension FilterSettings.U32 {
  /// The size of `struct tc_u32_sel` without keys, and of a key.
  private static let part = 16

  /// Reads `struct tc_u32_sel`.
  fileprivate mutating func readSelector(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    let start = attribute.payload.lowerBound
    guard attribute.payload.count >= Self.part else {
      throw .attributeWidth(type: attribute.type, expected: Self.part, actual: attribute.payload.count)
    }
    let count = Int(try datagram.load(UInt8.self, at: start + 2))
    guard attribute.payload.count == Self.part * (count + 1) else {
      throw .attributeWidth(
        type: attribute.type, expected: Self.part * (count + 1), actual: attribute.payload.count)
    }
    var selector = Selector()
    selector.flags = try datagram.load(UInt8.self, at: start)
    selector.offsetShift = try datagram.load(UInt8.self, at: start + 1)
    selector.offsetMask = UInt16(bigEndian: try datagram.load(UInt16.self, at: start + 4))
    selector.offset = try datagram.load(UInt16.self, at: start + 6)
    selector.offsetPlace = try datagram.load(Int16.self, at: start + 8)
    selector.hashPlace = try datagram.load(Int16.self, at: start + 10)
    selector.hashMask = UInt32(bigEndian: try datagram.load(UInt32.self, at: start + 12))
    self.selector = selector
    var keys: [Key] = []
    keys.reserveCapacity(count)
    for place in 0..<count {
      let words = try datagram.load(KeyWords.self, at: start + Self.part * (place + 1))
      keys.append(
        Key(
          UInt32(bigEndian: words.value), mask: UInt32(bigEndian: words.mask), at: words.offset,
          offsetMask: words.offsetMask))
    }
    self.keys = keys
  }

  /// The layout of `struct tc_u32_key`.
  private struct KeyWords: BitwiseCopyable {
    var mask: UInt32
    var value: UInt32
    var offset: Int32
    var offsetMask: Int32
  }

  func encode(into writer: MessageWriter, isTerminal: Bool) {
    if let keys { writer.put(Int(TCA_U32_SEL), values: words(keys, selector ?? Selector(isTerminal: isTerminal))) }
    if let table { writer.put(Int(TCA_U32_HASH), table) }
    if let link { writer.put(Int(TCA_U32_LINK), link) }
    if let divisor { writer.put(Int(TCA_U32_DIVISOR), divisor) }
  }

  /// `struct tc_u32_sel`, whose third byte counts the keys and whose fourth is padding.
  private func words(_ keys: [Key], _ selector: Selector) -> [UInt32] {
    func pair(_ first: UInt16, _ second: UInt16) -> UInt32 {
      UInt32(littleEndian: UInt32(first.littleEndian) | UInt32(second.littleEndian) << 16)
    }
    let head =
      UInt32(selector.flags) | UInt32(selector.offsetShift) << 8 | UInt32(UInt8(clamping: keys.count)) << 16
    var words = [
      UInt32(littleEndian: head), pair(selector.offsetMask.bigEndian, selector.offset),
      pair(UInt16(bitPattern: selector.offsetPlace), UInt16(bitPattern: selector.hashPlace)),
      selector.hashMask.bigEndian,
    ]
    words.reserveCapacity(4 * (keys.count + 1))
    for key in keys {
      words += [
        key.mask.bigEndian, key.value.bigEndian, UInt32(bitPattern: key.offset), UInt32(bitPattern: key.offsetMask),
      ]
    }
    return words
  }
}
