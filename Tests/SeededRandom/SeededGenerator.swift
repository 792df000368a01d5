// SPDX-License-Identifier: Apache-2.0

/// A generator that gives the same numbers for the same seed (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Makes a generator.
  ///
  /// - Parameter seed: any number.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// True in so many of a hundred cases.
  ///
  /// - Parameter percent: 0 to 100.
  /// - Returns: whether this is one of them.
  public mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

  /// One of the choices.
  ///
  /// - Parameter choices: at least one.
  /// - Returns: the one.
  public mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: 0..<choices.count, using: &self)]
  }

  /// A number.
  ///
  /// - Parameter range: first and last.
  /// - Returns: a number in the range.
  public mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  /// So many values.
  ///
  /// - Parameters:
  ///   - range: how many at least and at most.
  ///   - make: makes one.
  /// - Returns: the values.
  public mutating func list<Element>(_ range: ClosedRange<Int>, _ make: (inout SeededGenerator) -> Element) -> [Element]
  {
    (0..<number(range)).map { _ in make(&self) }
  }
}
