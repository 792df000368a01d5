// SPDX-License-Identifier: Apache-2.0

/// Things no longer named by any map value but perhaps still held by a program that is running right now.
///
/// A program runs for microseconds; waiting a second is a grace period that needs no help from the kernel.
struct Quarantine<Element: Sendable>: Sendable {
  /// How long an element stays.
  static var period: Duration { .seconds(1) }

  private(set) var entries: [(element: Element, until: ContinuousClock.Instant)] = []

  mutating func admit(_ element: Element, at now: ContinuousClock.Instant) {
    entries.append((element, now + Self.period))
  }

  /// Removes and returns what was admitted a period or longer ago.
  mutating func release(at now: ContinuousClock.Instant) -> [Element] {
    let released = entries.filter { $0.until <= now }.map(\.element)
    entries.removeAll { $0.until <= now }
    return released
  }

  /// Removes and returns the first element that `isIncluded` accepts, however recent: it is in use again as it was.
  mutating func recall(where isIncluded: (Element) -> Bool) -> Element? {
    guard let index = entries.firstIndex(where: { isIncluded($0.element) }) else { return nil }
    return entries.remove(at: index).element
  }
}
