// SPDX-License-Identifier: Apache-2.0

extension BPFMapHandle {
  @inlinable
  borrowing func forEachSlots<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _: Key.Type, _: Value.Type, _ body: (Key, Span<Value>) throws -> Void
  ) throws {
    guard slotCount > 0, MemoryLayout<Value>.stride <= Self.slotSize(of: Value.self) else { throw slotFailure() }
    var reader = MapReader(self, capacity: batchLimit)
    while case let count = try reader.next(of: self), count > 0 {
      for index in 0..<count {
        let elements = unsafe reader.slots(at: index, as: Value.self)
        try unsafe body(reader.key(at: index, as: Key.self), elements.span)
      }
    }
  }
}

extension MapReader {
  /// The values of all CPUs of an entry.
  @inlinable
  borrowing func slots<Value: BitwiseCopyable>(at index: Int, as type: Value.Type) -> UnsafeBufferPointer<Value> {
    let slots = unsafe UnsafeMutableRawBufferPointer(start: values + index * valueSize, count: valueSize)
    return unsafe BPFMapHandle.elements(of: slots, as: Value.self)
  }
}

extension Span where Element: BitwiseCopyable {
  @inlinable
  func sum<Number: FixedWidthInteger>(of number: (Element) -> Number) -> Number {
    var sum: Number = 0
    for index in indices { sum &+= number(self[index]) }
    return sum
  }

  @inlinable
  func max<Number: FixedWidthInteger>(of number: (Element) -> Number) -> Number {
    var result = Number.min
    for index in indices { result = Swift.max(result, number(self[index])) }
    return result
  }

  @inlinable
  var copied: [Element] { indices.map { self[$0] } }
}
