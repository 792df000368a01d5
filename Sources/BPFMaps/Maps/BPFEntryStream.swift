// SPDX-License-Identifier: Apache-2.0

extension BPFKeyedMap where Self: ~Copyable {
  /// The map's entries as an asynchronous sequence, which holds one batch of them at a time.
  ///
  /// ```swift
  /// for try await (key, state) in try flows.stream() { … }
  /// ```
  ///
  /// Each iterator reads the map anew, with the promises of ``BPFKeyedMap``. Between batches it lets other tasks run, and
  /// ends early when its task is cancelled. The sequence has a descriptor of its own: it outlives the map it came from.
  ///
  /// - Parameter limit: How many entries a batch may have; one that the kernel cannot split may have more.
  /// - Returns: The sequence; its errors are ``BPFError``, as those of ``entries()``.
  /// - Throws: `systemCall` when the process has too many open descriptors.
  public borrowing func stream(batchesOf limit: Int = 1024) throws(BPFError) -> BPFEntryStream<Key, Value> {
    BPFEntryStream(
      MapOwner(try withHandle { (handle) throws(BPFError) in try handle.duplicate() }), limit: limit)
  }
}

/// A map's entries, read while they are iterated over.
///
/// See ``BPFKeyedMap/stream(batchesOf:)``.
public struct BPFEntryStream<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable>: AsyncSequence,
  Sendable
{
  @usableFromInline let owner: MapOwner
  @usableFromInline let limit: Int

  init(_ owner: MapOwner, limit: Int) {
    self.owner = owner
    self.limit = limit
  }

  /// Begins to read.
  @inlinable
  public func makeAsyncIterator() -> Iterator { Iterator(owner, limit: limit) }

  /// Reads a map.
  ///
  /// Copies share their position.
  public struct Iterator: AsyncIteratorProtocol {
    @usableFromInline let batches: EntryBatches

    @inlinable
    init(_ owner: MapOwner, limit: Int) { batches = EntryBatches(owner, limit: limit) }

    /// The next entry; nil: that was all, or the task is cancelled.
    ///
    /// - Throws: As ``BPFKeyedMap/entries()``.
    @inlinable
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(BPFError) -> (Key, Value)? {
      if batches.position == batches.count {
        guard try await batches.advance() else { return nil }
      }
      let index = batches.position
      batches.position = index + 1
      return (batches.reader.key(at: index, as: Key.self), batches.reader.value(at: index, as: Value.self))
    }
  }
}

/// A map that several iterators share.
@usableFromInline
final class MapOwner: Sendable {
  @usableFromInline let handle: BPFMapHandle

  init(_ handle: consuming BPFMapHandle) { self.handle = handle }
}

/// One iterator's batch and its place in it.
@usableFromInline
final class EntryBatches {
  private let owner: MapOwner
  @usableFromInline var reader: MapReader
  @usableFromInline var position = 0
  @usableFromInline var count = 0
  private var isFirst = true

  @usableFromInline
  init(_ owner: MapOwner, limit: Int) {
    self.owner = owner
    reader = MapReader(owner.handle, capacity: limit)
  }

  /// Reads the next batch; false: there is none.
  @usableFromInline
  func advance() async throws(BPFError) -> Bool {
    if !isFirst { await Task.yield() }
    isFirst = false
    // A copy may have read on meanwhile.
    if position < count { return true }
    position = 0
    count = 0
    guard !Task.isCancelled else { return false }
    count = try reader.next(of: owner.handle)
    return count > 0
  }
}
