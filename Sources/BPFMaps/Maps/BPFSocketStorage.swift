// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import SystemPackage

/// A value that belongs to a socket and goes with it.
///
/// ```swift
/// let marks = try object.map("socket_mark", as: BPFSocketStorage<UInt32>.self)
/// try marks.updateValue(7, forSocket: connection)
/// ```
public struct BPFSocketStorage<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  @usableFromInline let handle: BPFMapHandle

  /// Socket storage, by descriptor.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.socketStorage], key: Int32.layout, value: Value.ownLayout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// Makes storage without an object.
  ///
  /// - Parameter name: Letters, digits, `_` and `.`; the kernel keeps 15 of them.
  /// - Returns: The map.
  /// - Throws: `permissionDenied`; `systemCall`.
  /// - Requires: CAP_BPF. `BPF_MAP_CREATE`
  public static func create(name: String) throws(BPFError) -> Self { try create(name: name, maximumEntryCount: 0) }

  /// A socket's value; nil: it has none.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is not open, or no socket. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(forSocket socket: FileDescriptor) throws(BPFError) -> Value? {
    try handle.lookUp(socket.rawValue, as: Value.self)
  }

  /// A socket's value; nil: it has none.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is no socket. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(forSocket socket: borrowing OwnedFileDescriptor) throws(BPFError) -> Value? {
    try handle.lookUp(socket.rawValue, as: Value.self)
  }

  /// Gives a socket a value.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is not open, or no socket; `alreadyExists` with
  ///   ``BPFUpdateMode/new``; `notFound` with ``BPFUpdateMode/existing``. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func updateValue(
    _ value: Value, forSocket socket: FileDescriptor, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.update(socket.rawValue, value, mode)
  }

  /// Gives a socket a value.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is no socket; `alreadyExists` with ``BPFUpdateMode/new``;
  ///   `notFound` with ``BPFUpdateMode/existing``. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func updateValue(
    _ value: Value, forSocket socket: borrowing OwnedFileDescriptor, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.update(socket.rawValue, value, mode)
  }

  /// Takes a socket's value away; false: it had none.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is not open, or no socket. `BPF_MAP_DELETE_ELEM`
  @inlinable @discardableResult
  public borrowing func removeValue(forSocket socket: FileDescriptor) throws(BPFError) -> Bool {
    try handle.remove(socket.rawValue)
  }

  /// Takes a socket's value away; false: it had none.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is no socket. `BPF_MAP_DELETE_ELEM`
  @inlinable @discardableResult
  public borrowing func removeValue(forSocket socket: borrowing OwnedFileDescriptor) throws(BPFError) -> Bool {
    try handle.remove(socket.rawValue)
  }
}
