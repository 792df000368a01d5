// SPDX-License-Identifier: Apache-2.0

/// A first-in, first-out queue; both ends in constant time on average.
struct Ring<Element: Sendable>: Sendable {
  private var elements: [Element] = []
  private var head = 0

  var count: Int { elements.count - head }
  var isEmpty: Bool { head == elements.count }
  var first: Element? { isEmpty ? nil : elements[head] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    head += 1
    if head == elements.count {
      elements.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 1024, head * 2 >= elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }

  func map<Result>(_ transform: (Element) -> Result) -> [Result] { elements[head...].map(transform) }

  /// Keeps what `isIncluded` accepts, in order.
  mutating func filter(_ isIncluded: (Element) -> Bool) {
    elements = elements[head...].filter(isIncluded)
    head = 0
  }
}

/// Things that no map value names any more, but that a program which is running right now may have read the name of.
///
/// A program runs for microseconds; waiting for `SERVICE_QUARANTINE` is a grace period that needs no help from the
/// kernel.
struct Quarantine<Element: Sendable>: Sendable {
  /// How long an element stays.
  let period: Duration
  private var entries = Ring<(element: Element, until: ContinuousClock.Instant)>()

  init(period: Duration) { self.period = period }

  var count: Int { entries.count }

  mutating func admit(_ element: Element, at now: ContinuousClock.Instant) { entries.append((element, now + period)) }

  /// Removes and returns the oldest element if it was admitted a period or longer ago.
  mutating func release(at now: ContinuousClock.Instant) -> Element? {
    guard let first = entries.first, first.until <= now else { return nil }
    return entries.popFirst()?.element
  }
}
