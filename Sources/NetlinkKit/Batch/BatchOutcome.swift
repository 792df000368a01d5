// SPDX-License-Identifier: Apache-2.0

/// What became of each operation of a batch, in their order.
///
/// Every element is a success or the operation's own ``NetlinkError``. One refusal does not stop the others.
public struct BatchOutcome: Sendable {
  /// An operation that failed.
  public struct Failure: Sendable {
    /// Its place in the batch, from 0.
    public let index: Int
    /// What stood in its way.
    public let error: NetlinkError
  }

  /// How many operations there were.
  public let count: Int
  /// Those that failed, first to last.
  public internal(set) var failures: [Failure] = []

  init(count: Int) { self.count = count }

  /// Whether all operations succeeded.
  public var isSuccess: Bool { failures.isEmpty }

  /// Throws the first failure, if there is one.
  ///
  /// - Throws: The ``NetlinkError`` of the first operation that failed.
  public func get() throws(NetlinkError) {
    if let first = failures.first { throw first.error }
  }
}

extension BatchOutcome: RandomAccessCollection {
  /// The place of the first operation.
  public var startIndex: Int { 0 }
  /// The place after the last operation.
  public var endIndex: Int { count }

  /// What became of the operation at `position`.
  public subscript(position: Int) -> Result<Void, NetlinkError> {
    precondition(indices.contains(position), "operation \(position) of a batch of \(count)")
    var low = 0
    var high = failures.count
    while low < high {
      let middle = (low + high) / 2
      if failures[middle].index < position { low = middle + 1 } else { high = middle }
    }
    guard low < failures.count, failures[low].index == position else { return .success(()) }
    return .failure(failures[low].error)
  }
}
