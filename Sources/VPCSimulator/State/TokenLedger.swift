// SPDX-License-Identifier: Apache-2.0

/// The answers given under client tokens: a call repeated with the same token and parameters gets the same answer.
struct TokenLedger<Answer: Sendable>: Sendable {
  private struct Entry: Sendable {
    var fingerprint: [String: String]
    var answer: Answer
  }

  private let capacity: Int
  private var entries: [String: Entry] = [:]
  private var order: [String] = []

  init(capacity: Int = 10_000) { self.capacity = capacity }

  /// The earlier answer, or nil when the token is new.
  ///
  /// - Throws: `IdempotentParameterMismatch` when the parameters differ.
  func answer(_ token: String, _ fingerprint: [String: String]) throws(APIFailure) -> Answer? {
    guard let entry = entries[token] else { return nil }
    guard entry.fingerprint == fingerprint else { throw .tokenMismatch(token) }
    return entry.answer
  }

  /// Remembers an answer; the oldest is forgotten when there are too many.
  mutating func remember(_ token: String, _ fingerprint: [String: String], _ answer: Answer) {
    if entries.updateValue(Entry(fingerprint: fingerprint, answer: answer), forKey: token) == nil {
      order.append(token)
    }
    if order.count > capacity { entries[order.removeFirst()] = nil }
  }

  /// Forgets an answer whose work was undone.
  mutating func forget(_ token: String) {
    guard entries.removeValue(forKey: token) != nil else { return }
    order.removeAll { $0 == token }
  }
}
