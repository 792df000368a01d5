// SPDX-License-Identifier: Apache-2.0

/// Numbers for values, each kept as long as somebody holds it.
///
/// A number is used again once its value is gone, so whoever stores one holds it.
struct Interner<Value: Hashable & Sendable>: Sendable {
  private var numbers: [Value: UInt32] = [:]
  private var values: ContiguousArray<Value?> = []
  private var holders: ContiguousArray<UInt32> = []
  private var free: [UInt32] = []

  /// How many values there are.
  var count: Int { numbers.count }
  /// All numbers in use are below this one.
  var end: Int { values.count }

  /// The number of a value that is there.
  func number(of value: Value) -> UInt32? { numbers[value] }

  /// Makes room.
  mutating func reserve(_ count: Int) { numbers.reserveCapacity(count) }

  /// The value of a number that is in use.
  subscript(number: UInt32) -> Value {
    guard let value = values[Int(number)] else { preconditionFailure("number \(number) is not in use") }
    return value
  }

  /// Whether a number is in use.
  func isUsed(_ number: UInt32) -> Bool { values[Int(number)] != nil }

  /// The number of a value, held once more.
  mutating func hold(_ value: Value) -> (number: UInt32, isNew: Bool) {
    let next = free.last ?? UInt32(values.count)
    // One look that finds or adds.
    let number = Self.read(&numbers[value, default: next])
    if number != next {
      holders[Int(number)] += 1
      return (number, false)
    }
    if free.popLast() == nil {
      values.append(value)
      holders.append(1)
    } else {
      values[Int(number)] = value
      holders[Int(number)] = 1
    }
    return (number, true)
  }

  private static func read(_ number: inout UInt32) -> UInt32 { number }

  /// Holds a number that is in use once more.
  mutating func hold(number: UInt32) { holders[Int(number)] += 1 }

  /// Lets go of a number.
  ///
  /// - Returns: the value when nobody holds it any more.
  mutating func release(_ number: UInt32) -> Value? {
    holders[Int(number)] -= 1
    guard holders[Int(number)] == 0, let value = values[Int(number)] else { return nil }
    values[Int(number)] = nil
    numbers[value] = nil
    free.append(number)
    return value
  }
}

/// A set of small numbers, filled and emptied again and again.
struct Marks: Sendable {
  private(set) var list: [UInt32] = []
  private var isMarked: ContiguousArray<Bool> = []

  var isEmpty: Bool { list.isEmpty }

  func contains(_ number: UInt32) -> Bool { Int(number) < isMarked.count && isMarked[Int(number)] }

  /// Adds a number.
  ///
  /// - Returns: whether it was not there.
  @discardableResult
  mutating func insert(_ number: UInt32) -> Bool {
    let position = Int(number)
    if position >= isMarked.count {
      let more = max(position + 1, 2 * isMarked.count) - isMarked.count
      isMarked.append(contentsOf: repeatElement(false, count: more))
    }
    if isMarked[position] { return false }
    isMarked[position] = true
    list.append(number)
    return true
  }

  /// Removes a number, if it is there.
  mutating func remove(_ number: UInt32) {
    guard contains(number) else { return }
    isMarked[Int(number)] = false
    list.removeOne(number)
  }

  /// Empties the set.
  ///
  /// - Returns: the numbers in order, so that what follows is the same every time.
  mutating func drain() -> [UInt32] {
    let numbers = list.sorted()
    removeAll()
    return numbers
  }

  /// Empties the set.
  mutating func removeAll() {
    for number in list { isMarked[Int(number)] = false }
    list.removeAll(keepingCapacity: true)
  }
}

extension Array where Element == UInt32 {
  /// Removes one occurrence; the order is not kept.
  mutating func removeOne(_ number: UInt32) {
    guard let position = lastIndex(of: number) else { return }
    swapAt(position, count - 1)
    removeLast()
  }

  /// Sorts and removes duplicates.
  mutating func unique() {
    if count < 2 { return }
    sort()
    var end = 1
    for position in 1..<count where self[position] != self[end - 1] {
      self[end] = self[position]
      end += 1
    }
    removeLast(count - end)
  }
}
