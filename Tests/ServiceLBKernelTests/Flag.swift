// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells a thread that something has begun, and that it is to end.
final class Flag: Sendable {
  private let begun = Atomic(false)
  private let done = Atomic(false)

  var isSet: Bool { begun.load(ordering: .acquiring) }
  var isDone: Bool { done.load(ordering: .acquiring) }
  func set() { begun.store(true, ordering: .releasing) }
  func finish() { done.store(true, ordering: .releasing) }
}

extension Result where Failure == any Error {
  /// What `body` returns or throws, so that a thread can be told to end in either case.
  init(_ body: () async throws -> Success) async {
    do {
      self = .success(try await body())
    } catch {
      self = .failure(error)
    }
  }
}
