// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// How the bytes of a type are read: its description with everything looked up.
indirect enum BTFValuePlan: Sendable {
  struct Field: Sendable {
    var name: String
    /// From the struct's start.
    var bitOffset: Int
    var plan: BTFValuePlan
  }

  case number(bitOffset: Int, width: Int, BTFInteger, isWireOrder: Bool)
  case wide
  case constant([UInt64: String], width: Int, isSigned: Bool)
  case floatingPoint(size: Int)
  case pointer
  case address(size: Int)
  case hardwareAddress
  /// `stride` in bits.
  case list(BTFValuePlan, count: Int, stride: Int, isText: Bool)
  case fields([Field])
  case bytes(size: Int)

  /// Bits beyond the end are zero; planning has checked that members are inside their structs.
  func read(_ bytes: [UInt8], atBit start: Int, _ budget: inout Int) throws(BPFError) -> BTFDatum {
    budget -= 1
    guard budget > 0 else { throw BPFError(.malformedObject, "read a value: it has more elements than can be real") }
    switch self {
    case .number(let offset, let width, let integer, let isWireOrder):
      return number(bytes.bits(start + offset, width), width, integer, isWireOrder)
    case .wide: return .wide(high: bytes.bits(start + 64, 64), low: bytes.bits(start, 64))
    case .constant(let names, let width, let isSigned):
      let raw = bytes.bits(start, width)
      if let name = names[raw] { return .constant(name) }
      return isSigned ? .signed(raw.signExtended(from: width)) : .unsigned(raw)
    case .floatingPoint(let size): return floatingPoint(bytes, start, size)
    case .pointer: return .pointer(bytes.bits(start, 64))
    case .address(let size):
      guard let address = IPAddress(bytes: bytes.part(start, size)) else { return .bytes(bytes.part(start, size)) }
      return .address(address)
    case .hardwareAddress:
      guard let address = MACAddress(bytes: bytes.part(start, 6)) else { return .bytes(bytes.part(start, 6)) }
      return .hardwareAddress(address)
    case .list(let element, let count, let stride, let isText):
      if isText, let text = text(bytes.part(start, count)) { return .text(text) }
      var elements: [BTFDatum] = []
      for index in 0..<count { elements.append(try element.read(bytes, atBit: start + index * stride, &budget)) }
      return .list(elements)
    case .fields(let fields):
      var result: [BTFDatum.Field] = []
      result.reserveCapacity(fields.count)
      for field in fields {
        let value = try field.plan.read(bytes, atBit: start + field.bitOffset, &budget)
        result.append(BTFDatum.Field(name: field.name, value: value))
      }
      return .fields(result)
    case .bytes(let size): return .bytes(bytes.part(start, size))
    }
  }

  private func number(_ raw: UInt64, _ width: Int, _ integer: BTFInteger, _ isWireOrder: Bool) -> BTFDatum {
    if integer.isBoolean { return .boolean(raw != 0) }
    let raw = isWireOrder && width > 0 ? raw.byteSwapped >> UInt64(64 - width) : raw
    return integer.isSigned ? .signed(raw.signExtended(from: width)) : .unsigned(raw)
  }

  /// Of what is no number there are many kinds, of which all but one are bytes: no text tells them apart.
  private func floatingPoint(_ bytes: [UInt8], _ start: Int, _ size: Int) -> BTFDatum {
    let bits = bytes.bits(start, size * 8)
    switch size {
    case 4 where !Float(bitPattern: UInt32(truncatingIfNeeded: bits)).isNaN || bits == UInt64(Float.nan.bitPattern):
      return .floatingPoint(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
    case 8 where !Double(bitPattern: bits).isNaN || bits == Double.nan.bitPattern:
      return .floatingPoint(Double(bitPattern: bits))
    default: return .bytes(bytes.part(start, size))
    }
  }

  /// Printable characters up to the end or a zero byte, and nothing but zeros behind it.
  private func text(_ bytes: [UInt8]) -> String? {
    let text = bytes.prefix { $0 != 0 }
    guard text.allSatisfy({ (0x20...0x7e).contains($0) }), bytes[text.endIndex...].allSatisfy({ $0 == 0 }) else {
      return nil
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension [UInt8] {
  /// Up to 64 bits from a position in bits, the first the lowest; bits beyond the end are zero.
  func bits(_ start: Int, _ width: Int) -> UInt64 {
    let width = Swift.min(width, 64)
    var result: UInt64 = 0
    if start >= 0, start % 8 == 0, width % 8 == 0, width > 0, (start + width) / 8 <= count {
      for index in 0..<width / 8 { result |= UInt64(self[start / 8 + index]) << UInt64(8 * index) }
      return result
    }
    var done = 0
    while done < width {
      let position = start + done
      guard position >= 0, position / 8 < count else { break }
      let taken = Swift.min(8 - position % 8, width - done)
      let part = UInt64(self[position / 8]) >> UInt64(position % 8) & (1 << UInt64(taken) - 1)
      result |= part << UInt64(done)
      done += taken
    }
    return result
  }

  /// Sets bits from a position in bits, the first the lowest; bits beyond the end are dropped.
  mutating func setBits(_ start: Int, _ width: Int, to value: UInt64) {
    var done = 0
    while done < Swift.min(width, 64) {
      let position = start + done
      guard position >= 0, position / 8 < count else { return }
      let taken = Swift.min(8 - position % 8, width - done)
      let mask = UInt8(truncatingIfNeeded: (1 as UInt64) << UInt64(taken) - 1) << UInt8(position % 8)
      let part = UInt8(truncatingIfNeeded: value >> UInt64(done)) << UInt8(position % 8)
      self[position / 8] = self[position / 8] & ~mask | part & mask
      done += taken
    }
  }

  /// Bytes from a position in bits; fewer where the end comes before.
  func part(_ start: Int, _ size: Int) -> [UInt8] {
    let first = Swift.min(Swift.max(start / 8, 0), count)
    return Array(self[first..<Swift.min(first + Swift.max(size, 0), count)])
  }
}

extension UInt64 {
  /// The number whose lowest bits these are.
  func signExtended(from width: Int) -> Int64 {
    guard width > 0, width < 64 else { return width == 0 ? 0 : Int64(bitPattern: self) }
    let shift = UInt64(64 - width)
    return Int64(bitPattern: self << shift) >> Int64(shift)
  }
}
