// SPDX-License-Identifier: Apache-2.0

/// A queue of values between programs and user space: first in, first out.
///
/// ```swift
/// let free = try object.map("free_port", as: BPFQueue<UInt16>.self)
/// try free.push(40_000)
/// ```
public struct BPFQueue<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  @usableFromInline let handle: BPFMapHandle

  /// A queue, without keys.
  public static var shape: BPFMapShape { BPFMapShape(kinds: [.queue], value: Value.ownLayout) }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// Adds a value at the end.
  ///
  /// - Parameters:
  ///   - value: The value.
  ///   - droppingFirst: Whether a full queue drops its first value.
  /// - Throws: `full`, unless the first is dropped. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func push(_ value: Value, droppingFirst: Bool = false) throws(BPFError) {
    try handle.append(value, droppingFirst ? .existing : .any)
  }

  /// The first value; nil: empty.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func peek() throws(BPFError) -> Value? { try handle.first(removing: false, as: Value.self) }

  /// Takes the first value; nil: empty.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_AND_DELETE_ELEM`
  @inlinable
  public borrowing func pop() throws(BPFError) -> Value? { try handle.first(removing: true, as: Value.self) }
}

/// A stack of values between programs and user space: last in, first out.
public struct BPFStack<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  @usableFromInline let handle: BPFMapHandle

  /// A stack, without keys.
  public static var shape: BPFMapShape { BPFMapShape(kinds: [.stack], value: Value.ownLayout) }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// Puts a value on top.
  ///
  /// - Parameters:
  ///   - value: The value.
  ///   - droppingOldest: Whether a full stack drops the value at its bottom.
  /// - Throws: `full`, unless the oldest is dropped. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func push(_ value: Value, droppingOldest: Bool = false) throws(BPFError) {
    try handle.append(value, droppingOldest ? .existing : .any)
  }

  /// The value on top; nil: empty.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func peek() throws(BPFError) -> Value? { try handle.first(removing: false, as: Value.self) }

  /// Takes the value on top; nil: empty.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_AND_DELETE_ELEM`
  @inlinable
  public borrowing func pop() throws(BPFError) -> Value? { try handle.first(removing: true, as: Value.self) }
}
